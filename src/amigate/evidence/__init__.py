"""What was collected about an image, and how it is collected from a running machine."""
