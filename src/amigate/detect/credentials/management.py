"""Files of credentials: what configuration management knows a machine by."""

from __future__ import annotations

from functools import partial

from amigate.detect.credentials.kind import ANYWHERE, Kind, filled, holding
from amigate.detect.hits import Sort

_kind = partial(Kind, sort=Sort.CONFIG_MANAGEMENT)

KINDS = (
    _kind(
        detail="Puppet's key by which the server knows a machine",
        names="*.pem",
        folder=r"/puppet(?:labs)?/(?:.*/)?ssl/(?:private_keys|ca)/$",
        read=holding(b"PRIVATE KEY"),
    ),
    _kind(detail="a key that encrypts values of Hiera", names="private_key.pkcs7.pem", read=filled),
    _kind(
        detail="Chef's key by which the server knows a machine",
        names="*.pem encrypted_data_bag_secret",
        folder=r"/etc/(?:chef|cinc)/$|/\.chef/$",
        read=filled,
    ),
    _kind(
        detail="Salt's key by which the master knows a minion",
        names="*.pem",
        folder=r"/salt/pki/",
        read=holding(b"PRIVATE KEY"),
    ),
    _kind(detail="Salt's name of a minion", names="minion_id", folder=r"/salt/$", read=filled),
    _kind(
        detail="a password of Ansible's vault",
        names=(
            ".vault_pass* .vault-pass* vault_pass* vault-pass* vault_password* vault-password* "
            ".ansible_vault* .vault_password*"
        ),
        folder=ANYWHERE,
        read=filled,
    ),
    _kind(detail="CFEngine's key", names="*.priv", folder=r"/ppkeys/$", read=filled),
)
