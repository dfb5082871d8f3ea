"""What is kept of what a machine answers, form by form; everything else is dropped before it reaches a view."""
