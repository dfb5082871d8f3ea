"""`python -m amigate` is `amigate`."""

from amigate.cli import main

main()
