"""CRC-16 of the polynomial 0x8005, bits reversed (lib/crc/crc16.c): what older ext4 protects group descriptors by."""

from __future__ import annotations


def _row(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_TABLE = tuple(map(_row, range(256)))


def crc16(crc: int, data: bytes) -> int:
    """Return the CRC of what `crc` is that of, followed by `data`."""
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc
