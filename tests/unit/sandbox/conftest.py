"""One instance as plain values."""

from __future__ import annotations

from pathlib import Path

import pytest

from amigate.sandbox.machines.spec import Spec


@pytest.fixture
def spec() -> Spec:
    return Spec(
        instance_id="i-0123456789abcdef0",
        reservation_id="r-0123456789abcdef0",
        launch_index=0,
        image_id="ami-0123456789abcdef0",
        instance_type="t3.micro",
        account_id="123456789012",
        zone="us-east-1a",
        region="us-east-1",
        private_ip="172.31.0.4",
        public_ip="127.0.0.2",
        ssh_port=20022,
        mac="02:00:00:00:00:01",
        interface_id="eni-0123456789abcdef0",
        security_groups=("default",),
        key_name="launch",
        public_key="ssh-ed25519 AAAA launch",
        user_data=b"\x00hello",
        tokens_required=True,
        metadata_enabled=True,
        backing=Path("base.qcow2"),
        size_bytes=1 << 30,
        memory_mib=256,
    )
