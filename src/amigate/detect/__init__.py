"""Detectors of secrets: bytes in, hits out. No hit holds anything of a secret; no file is read or written here."""
