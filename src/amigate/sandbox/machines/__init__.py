"""Virtual machines: QEMU processes with a metadata service each."""
