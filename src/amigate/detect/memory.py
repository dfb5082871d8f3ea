"""What was in the memory of a machine: core dumps, crash dumps, swap files and images of hibernation.

elf(5) for cores; https://docs.kernel.org/admin-guide/kdump/kdump.html; the signature of swap stands at the end of the
first page: https://github.com/util-linux/util-linux/blob/master/include/swapheader.h."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGES = (4096, 8192, 16384, 32768, 65536)
LONGEST_PAGE = _PAGES[-1]
"""In bytes: the header of swap is as long as a page of the machine that made it."""
_SIGNATURE_BYTES = 10
_SWAP = (b"SWAPSPACE2", b"SWAP-SPACE")
_HIBERNATED = (b"S1SUSPEND", b"S2SUSPEND", b"ULSUSPEND", b"LINHIB0001")
_DUMPS = re.compile(
    r"/(?:var/(?:crash|lib/systemd/coredump|lib/apport/coredump|spool/abrt|lib/kdump|cores?)|cores)/.+", re.DOTALL
)
_NOT_DUMPS = re.compile(r".*/(?:kexec_cmd|kdump_lock|linux-image-\S*|\.lock)", re.DOTALL)
"""What Debian's and Ubuntu's packages for kdump put beside the dumps, which has nothing of memory in it."""
_CORE = 4
"""ET_CORE of elf(5)."""


def swap_page(content: bytes) -> int:
    """Return how many bytes the header of swap has; 0 for another file."""
    for page in _PAGES:
        if content[page - _SIGNATURE_BYTES : page].startswith((*_SWAP, *_HIBERNATED)):
            return page
    return 0


def memory(path: str, content: bytes, *, is_swap_filled: bool) -> Iterator[Hit]:
    """Yield that a file, of which `content` is the beginning, holds what was in memory."""
    page = swap_page(content)
    if page and content[page - _SIGNATURE_BYTES : page].startswith(_HIBERNATED):
        yield Hit(sort=Sort.MEMORY, offset=0, detail="an image of hibernation: all that was in memory")
    elif page and is_swap_filled:
        yield Hit(sort=Sort.MEMORY, offset=0, detail="a swap file with something in it")
    elif _is_core(content) or content.startswith((b"KDUMP   ", b"makedumpfile")):
        yield Hit(sort=Sort.MEMORY, offset=0, detail="a dump of memory")
    elif _DUMPS.fullmatch(path) and not _NOT_DUMPS.fullmatch(path):
        yield Hit(sort=Sort.MEMORY, offset=0, detail="it lies where dumps of memory are kept")


def _is_core(content: bytes) -> bool:
    if not content.startswith(b"\x7fELF") or len(content) < 18:  # noqa: PLR2004 - up to e_type
        return False
    return int.from_bytes(content[16:18], "big" if content[5] == 2 else "little") == _CORE  # noqa: PLR2004 - ELFDATA2MSB
