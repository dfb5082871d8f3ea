"""From the volumes of an image to the one tree that its machine shows."""
