"""From the disks of an image to the view of it at rest: all of it runs in the child that reads the image."""
