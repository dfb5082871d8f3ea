"""An EC2 on this machine: a real API in front of real virtual machines."""

from amigate.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
