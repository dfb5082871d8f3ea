"""The gate: the only thing that shares an image."""
