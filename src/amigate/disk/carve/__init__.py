"""Secrets in the written bytes of a disk, whether a file holds them or nothing does any more."""
