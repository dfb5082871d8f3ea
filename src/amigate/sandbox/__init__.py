"""An EC2 on this machine: a real API in front of real virtual machines."""

from amigate.sandbox.calls import Call, Calls
from amigate.sandbox.fault import DENIED, THROTTLED, Asked, Error, Fault
from amigate.sandbox.faults import Faults, Injected
from amigate.sandbox.sandbox import Sandbox

__all__ = ["DENIED", "THROTTLED", "Asked", "Call", "Calls", "Error", "Fault", "Faults", "Injected", "Sandbox"]
