"""What cloud-init's configuration makes it do to host keys, passwords and root at first boot.

Values are read as cloud-init reads them: what is not one of a few words for yes is a no.
https://github.com/canonical/cloud-init/blob/main/cloudinit/util.py (translate_bool)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amigate.check import InconclusiveError
from amigate.evidence.redaction.accounts import NO_PASSWORD
from amigate.evidence.redaction.kept import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.yaml_tree import Keys
    from amigate.facts.cloud_config import CloudConfig
    from amigate.result import Finding

MODULES = ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
_YES = {"true", "1", "on", "yes"}
_NO = {"false", "0", "off", "no", "none", ""}
_LOCKS = {"lock_passwd", "lock-passwd"}
_HASHED = {"passwd", "hashed_passwd"}
_CREDENTIALS = {
    "authkey",
    "password",
    "passphrase",
    "plain_text_passwd",
    "private_key",
    "ssh-authorized-keys",
    "ssh-import-id",
    "ssh_authorized_keys",
    "ssh_import_id",
    "ssh_keys",
    "token",
}
CREDENTIAL = "a credential that every launch gets"
_DEFAULT_USER = ("system_info", "default_user")


def is_yes(value: Any) -> bool:
    """Whether cloud-init takes `value` for a yes."""
    return str(value).strip().lower() in _YES


def default_user(config: CloudConfig) -> str:
    """Return whose account cloud-init gives the launch key to; empty where the configuration names nobody.

    Raises InconclusiveError for a name that is not kept."""
    own = config.value("user")  # of old, and still before the distribution's
    name = own.get("name") if isinstance(own, dict) else own
    name = config.value(*_DEFAULT_USER, "name") if name is None else _known(name, "user")
    return "" if name is None else str(name)


def other_users(config: CloudConfig) -> Iterator[tuple[str, Keys]]:
    """Yield who else is made at first boot, with the place of each.

    Raises InconclusiveError for a name that is not kept."""
    users = config.value("users")
    if isinstance(users, str):
        yield from ((name, ("users",)) for name in users.replace(",", " ").split() if name != "default")
    elif isinstance(users, dict):
        yield from ((_known(name, "users"), ("users", str(name))) for name in users if name != "default")
    for position, user in enumerate(users if isinstance(users, list) else ()):
        name = user.get("name") if isinstance(user, dict) else user
        if name is not None and name != "default":
            yield _known(name, f"users.{position}"), ("users", position)


def _known(name: Any, where: str) -> str:
    if is_placeholder(name):
        raise InconclusiveError(f"{where}: the name is not kept")
    return str(name)


def host_key_faults(config: CloudConfig) -> list[Finding]:
    """Find what keeps cloud-init from putting new host keys in the place of those in the image.

    https://docs.cloud-init.io/en/latest/reference/modules.html#ssh"""
    found = []
    if "ssh_deletekeys" in config.merged and not is_yes(config.value("ssh_deletekeys")):
        found.append(config.finding(("ssh_deletekeys",), "host keys of the image are kept"))
    if "ssh_genkeytypes" in config.merged:
        types = config.value("ssh_genkeytypes")
        if not types:
            found.append(config.finding(("ssh_genkeytypes",), "no host key is made"))
        elif isinstance(types, list) and all(map(is_placeholder, types)):
            raise InconclusiveError("ssh_genkeytypes: no known type of key is among them")
    if "ssh_keys" in config.merged:
        found.append(config.finding(("ssh_keys",), "host keys are given here, and none is made"))
    lists = [name for name in MODULES if name in config.merged]
    if not any(_module(each) == "ssh" for name in lists for each in _list(config.value(name))):
        found.append(config.finding(((lists or MODULES)[0],), "the module `ssh`, which makes host keys, does not run"))
    return found


def password_faults(config: CloudConfig) -> list[Finding]:
    """Find what makes cloud-init switch password logins on."""
    if is_yes(config.value("ssh_pwauth")):
        return [config.finding(("ssh_pwauth",), "sshd is told at first boot to take passwords")]
    return []


def root_faults(config: CloudConfig) -> list[Finding]:
    """Find what lets root in with the launch key.

    Raises InconclusiveError where root's key runs a command that is not cloud-init's own."""
    if "disable_root" in config.merged and not is_yes(config.value("disable_root")):
        return [config.finding(("disable_root",), "root gets the launch key")]
    if "disable_root_opts" not in config.merged:
        return []
    options = str(config.value("disable_root_opts"))
    if "command=" not in options:
        return [config.finding(("disable_root_opts",), "root's key has no forced command")]
    if "(not-kept-" in options:
        raise InconclusiveError("disable_root_opts: what root's key runs is not cloud-init's own refusal")
    return []


def unlocked_users(config: CloudConfig) -> list[Finding]:
    """Find the accounts whose password cloud-init leaves unlocked."""
    return config.where(
        lambda keys, value: keys[-1] in _LOCKS and str(value).strip().lower() in _NO,
        "the password of this account is not locked",
    )


def cache_faults(config: CloudConfig) -> list[Finding]:
    """Find what makes cloud-init trust the instance that it remembers."""
    if is_yes(config.value("manual_cache_clean")):
        return [config.finding(("manual_cache_clean",), "cloud-init goes by the instance that it remembers")]
    return []


def credentials(config: CloudConfig) -> list[Finding]:
    """Find passwords and keys in every file, also where a later file takes the place of what holds them."""
    return [
        config.finding_in(path, keys, CREDENTIAL)
        for path, document in config.documents.items()
        for keys in credentials_in(document)
    ]


def credentials_in(value: Any, at: Keys = ()) -> Iterator[Keys]:
    """Yield where a password, a key or a token stands in a document."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, each in items:
        if _is_credential(key, each):
            yield (*at, key)
        else:
            yield from credentials_in(each, (*at, key))


def _is_credential(key: str | int, value: Any) -> bool:
    if value in (None, "", [], {}, False):
        return False
    if key in _HASHED:
        return not isinstance(value, str) or NO_PASSWORD.fullmatch(value) is None
    if key == "chpasswd":
        return not isinstance(value, dict) or any(value.get(name) for name in ("list", "users"))
    return key in _CREDENTIALS


def _module(entry: Any) -> str:
    """Return the name of a module, which may stand with how often it runs."""
    return str(entry[0] if isinstance(entry, list) and entry else entry)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
