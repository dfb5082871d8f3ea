"""A hostile image is parsed in a process of its own, which has nothing but the bytes that are handed to it.

`run.in_child` is called; docs/isolation.md says what such a process may do, and what enforces it."""
