"""Hardening steps: what they are, and how they are applied."""
