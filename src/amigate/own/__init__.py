"""A user's own testinfra tests, judged beside the shipped rules: listed, recorded on a running machine, judged."""
