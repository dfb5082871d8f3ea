"""Logging in: which keys are tried, and whose host key is believed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import fabric
import paramiko
from fabric.auth import OpenSSHAuthStrategy
from paramiko.auth_strategy import InMemoryPrivateKey, OnDiskPrivateKey

from amigate.errors import ConnectionFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.harden.ssh import Address

_CONNECT_S = 15


def open_connection(address: Address, say: Callable[[str], None]) -> tuple[Any, str]:
    """Return a fabric Connection that is logged in, and the public key that did it, base64."""
    key = _load(address)
    connection = fabric.Connection(
        address.host,
        user=address.user or None,
        port=address.port,
        gateway=address.gateway,
        connect_timeout=_CONNECT_S,
        config=fabric.Config(overrides={"authentication": {"strategy_class": _strategy(key)}}),
        connect_kwargs={"banner_timeout": _CONNECT_S, "auth_timeout": _CONNECT_S},
    )
    try:
        _believe(connection, address, say)
        result = connection.open()
    except paramiko.BadHostKeyException as error:
        raise ConnectionFailedError(
            f"{address}: the host key is not the one that is known for this host",
            hint="if the machine was made anew, remove the old line with ssh-keygen -R",
        ) from error
    except paramiko.AuthenticationException as error:
        raise LoginRefusedError(
            f"{address}: no key was accepted",
            hint="name the right key with --identity; passwords are not tried",
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise ConnectionFailedError(f"{address}: {_plain(error)}") from error
    return connection, result[-1].source.pkey.get_base64()


def _strategy(key: paramiko.PKey | None) -> type[OpenSSHAuthStrategy]:
    """Return how to authenticate: by `key` alone, else by what ssh(1) would try; never by a password."""

    class Keys(OpenSSHAuthStrategy):  # type: ignore[misc] # fabric ships no types
        def get_sources(self) -> Iterator[InMemoryPrivateKey | OnDiskPrivateKey]:
            if key is not None:
                yield InMemoryPrivateKey(username=self.username, pkey=key)
            else:
                yield from self.get_pubkeys()

    return Keys


def _load(address: Address) -> paramiko.PKey | None:
    if address.identity is None:
        return address.key
    try:
        return paramiko.PKey.from_path(address.identity)
    except paramiko.PasswordRequiredException as error:
        raise UsageError(
            f"{address.identity} is protected by a passphrase",
            hint="add it to the agent with ssh-add, and name no key file",
        ) from error
    except (paramiko.SSHException, OSError, ValueError, TypeError) as error:
        raise UsageError(f"{address.identity} is no private key that can be read") from error


def _believe(connection: Any, address: Address, say: Callable[[str], None]) -> None:
    """Tell the client which host keys to believe."""
    client: paramiko.SSHClient = connection.client
    if address.host_key is not None:
        host, port = connection.host, connection.port
        name = host if port == paramiko.config.SSH_PORT else f"[{host}]:{port}"
        client.get_host_keys().add(name, address.host_key.get_name(), address.host_key)
    elif address.host_fingerprint:
        pass  # the policy below compares it
    elif address.known_hosts is not None:
        client.load_system_host_keys(str(address.known_hosts))
    else:
        client.load_system_host_keys()
        with suppress(FileNotFoundError):
            client.load_system_host_keys("/etc/ssh/ssh_known_hosts")
    client.set_missing_host_key_policy(_Unknown(address, say))


class _Unknown(paramiko.MissingHostKeyPolicy):
    """What to do about a host that no known_hosts names."""

    def __init__(self, address: Address, say: Callable[[str], None]) -> None:
        self._address = address
        self._say = say

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        del client, hostname
        shown = f"{key.get_name()} {key.fingerprint}"
        if self._address.host_key is None and self._address.host_fingerprint == key.fingerprint:
            return
        if not self._address.accept_new or self._address.host_key or self._address.host_fingerprint:
            raise _UnknownHostError(f"its host key is not in known_hosts: {shown}")
        self._say(f"accepted the new host key of {self._address}: {shown}")


class LoginRefusedError(ConnectionFailedError):
    """The server answers and takes none of the keys."""


class _UnknownHostError(paramiko.SSHException):
    """The host key is not known."""


def _plain(error: Exception) -> str:
    match error:
        case _UnknownHostError():
            return f"{error}; compare it, then log in once with ssh, or use --accept-new-host-key"
        case TimeoutError():
            return "no answer"
        case OSError(strerror=str() as text):
            return text
        case _:
            return "the server does not speak SSH, or hung up"
