"""Evidence and profile in, one status per rule out."""
