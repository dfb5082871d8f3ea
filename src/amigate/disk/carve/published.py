"""Private keys that are in everybody's hands and that nobody trusts: those of the self-tests of a library.

Every Debian has them in libgnutls, and in free space after its first update."""

from __future__ import annotations

PUBLISHED = frozenset(
    """
    der:87e288dc7dbc29a24241b596ec8c84f949d9f09f34fc0cf69242481fb2274770
    der:d245e52c341a76645e1b0e56c58dc964cd4f3ecaea64a9c6d6db9897d4948a8a
    der:0294b4406902e33bb02f89eaf4c691328790d7a9cd01b873d68edac994f310a1
    der:60c323abe4854b03743005874156ef6e0343bc9c05c09a2a43335cdda19342b3
    SHA256:bYqGHysNs1SVlpFZg+znZbFYpocNY2A/7i2Y/5w+7VU
    spki:965237ca6ba836733f2b6436d66516dc01ef2d58825d3b4aa6b9061a76c7a9ce
    spki:c305f632b9f12913e548002d5e48435fccfb7a54f4e6f2255c055d9b99794b69
    SHA256:/s7hC1qbiBH8ldTc08GJSkZlmCiNIbFLFmlDUIrRkck
    SHA256:aTOClQtdjWd6ramaZSkxPI9c4L5sDR/3RimBlUMfraM
    SHA256:EYb3seR7zeXfX5vRAHvcZ4f/25rWfBmDoC5t2UVlUYs
    """.split()  # noqa: SIM905 - as data reads best
)
"""Fingerprints as in `Secret`. GnuTLS, lib/crypto-selftests-pk.c."""
