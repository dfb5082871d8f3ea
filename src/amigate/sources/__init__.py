"""Target in, Evidence out."""
