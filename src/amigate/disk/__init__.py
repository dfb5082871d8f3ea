"""Reading an image at rest: block sources, volumes, file systems, carving. What is read is taken for hostile."""
