"""Whether amigate can work here: what it needs of an account and of this machine, asked without changing anything."""
