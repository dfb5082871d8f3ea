"""What readers of file systems with inodes share: names, runs of blocks, the walk, and how paths are answered."""
