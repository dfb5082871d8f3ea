"""What the disks of an image hold: partitions, logical volumes, and what is written outside of them."""
