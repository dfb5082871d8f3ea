"""The checks: one file per topic, one function per rule."""
