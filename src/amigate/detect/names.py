"""What a file's name says of it: host keys, what AWS's own bundling leaves out, and where tools keep credentials.

The list of the bundling: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/creating-an-ami-instance-store.html (the
filter of ec2-bundle-vol); X.509 keys of EC2 are named pk-… and cert-…."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.detect.harmless import has_harmless_content
from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST_KEY = re.compile(
    r"(?:ssh_host_(?:[a-z0-9]+_)?key|dropbear_[a-z0-9]+_host_key)(?:(?:-cert)?\.pub)?(?:[.~_-].*)?", re.DOTALL
)
"""With whatever a backup adds."""
_X509 = re.compile(r"(?:pk|cert)-[A-Z0-9]{20,}\.pem")
_LEFT_OUT = re.compile(
    r".*(?:\.sw[op]?|\.pem|\.priv|\.gpg|\.jks|\.p12|\.pfx|id_rsa.*|id_dsa.*)|\.bash_history|authorized_keys2?",
    re.DOTALL,
)
_EDITOR_BACKUP = re.compile(r".+~|\..*\.sw[a-p]|.+\.sw[op]|#.+#|.+\.(?:bak|orig|save)", re.DOTALL)
_NOT_EDITED = ("/usr/", "/var/", "/lib", "/bin/", "/sbin/", "/boot/", "/dev/", "/proc/", "/run/", "/sys/", "[")
_EDITED = ("/usr/local/", "/usr/share/nginx/", "/var/www/")
"""Of these, where people edit all the same."""
_AWS_FILES = re.compile(
    r".*(?:/\.aws/credentials|/\.aws/sso/cache/[^/]*\.json|/\.aws/cli/cache/[^/]*\.json|/\.?passwd-s3fs)", re.DOTALL
)
_AWS_CONFIGS = re.compile(
    r".*(?:/\.aws/config|/\.boto|/etc/boto\.cfg|/\.s3cfg|/rclone/rclone\.conf|/\.rclone\.conf|/\.mcs?/config\.json)",
    re.DOTALL,
)
_VALUE = re.compile(rb"(?m)^[ \t]*(?:aws_secret_access_key|aws_session_token)[ \t]*=[ \t]*(?P<value>\S+)")
_COMMENT = re.compile(rb"\s*(?:[#;].*)?")


def is_host_key(path: str) -> bool:
    """Whether a file is named as a host key is, or as its public half."""
    return _HOST_KEY.fullmatch(path.rpartition("/")[2]) is not None


def is_named(path: str) -> bool:
    """Whether the name says anything, so that the content is worth having as a whole."""
    name = path.rpartition("/")[2]
    return (
        any(form.fullmatch(name) for form in (_HOST_KEY, _X509, _LEFT_OUT))
        or any(form.fullmatch(path) for form in (_AWS_FILES, _AWS_CONFIGS))
        or _is_editor_backup(path)
    )


def _is_editor_backup(path: str) -> bool:
    is_edited = not path.startswith(_NOT_EDITED) or path.startswith(_EDITED)
    return is_edited and _EDITOR_BACKUP.fullmatch(path.rpartition("/")[2]) is not None


def by_name(path: str, content: bytes, *, is_whole: bool) -> Iterator[Hit]:
    """Yield what the name of a file that is not empty says, where its content does not say otherwise.

    `content` is its beginning, or all of it."""
    name = path.rpartition("/")[2]
    if _HOST_KEY.fullmatch(name):
        yield Hit(sort=Sort.HOST_KEY, offset=0, detail="it is named as a host key is")
    if _AWS_FILES.fullmatch(path) and not (is_whole and _holds_no_value(path, content)):
        yield Hit(sort=Sort.AWS_FILE, offset=0, detail="a tool keeps credentials of AWS in it")
    elif _AWS_CONFIGS.fullmatch(path) or _AWS_FILES.fullmatch(path):
        yield Hit(sort=Sort.AWS_CONFIG, offset=0, detail="a tool keeps its settings for AWS in it")
    if _is_editor_backup(path):
        yield Hit(sort=Sort.EDITOR_BACKUP, offset=0, detail="it is named as what editors leave beside a changed file")
    if _X509.fullmatch(name):
        yield Hit(sort=Sort.LEFTOVER, offset=0, detail="it is named as the signing certificates of EC2's users are")
    elif _LEFT_OUT.fullmatch(name) and not (is_whole and has_harmless_content(name, content)):
        yield Hit(sort=Sort.LEFTOVER, offset=0, detail="AWS's own bundling leaves a file of such a name out")


def _holds_no_value(path: str, content: bytes) -> bool:
    """Whether a credentials file holds comments, headings and examples alone."""
    if not path.endswith("/.aws/credentials"):
        return all(_COMMENT.fullmatch(line) for line in content.split(b"\n"))
    return all(match["value"].endswith((b"EXAMPLE", b"EXAMPLEKEY")) for match in _VALUE.finditer(content))
