"""A zip whose bits depend on its contents alone.

Written here and not by `zipfile`, for two reasons: its headers differ between versions of Python,
and it would compress a library again for each function that has it, which takes most of a build.
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

import struct
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath

LEVEL = 7
"""9 takes four times as long and saves 0.4 %."""

VERSION = 20
"""2.0 of the format: deflate."""
UNIX = 3 << 8
DEFLATED = 8
MIDNIGHT = 0
FIRST_DAY = 1 << 5 | 1
"""1 January 1980, the first day that a zip can name."""
MODE = 0o100644 << 16
"""A file that everyone may read: Lambda runs functions as a user of its own."""

ENTRY = struct.Struct("<5H3L2H")
"""Version, flags, method, time, date, checksum, compressed size, size, lengths of name and extra
field."""
LOCAL = b"PK\x03\x04"
CENTRAL = b"PK\x01\x02"
CENTRAL_END = struct.Struct("<3H2L")
"""Length of the comment, disk, internal attributes, external attributes, where the entry begins."""
END = struct.Struct("<4s4H2LH")
"""Magic, two disk numbers, entries here and in all, size and place of the directory, comment."""
END_MAGIC = b"PK\x05\x06"


def write(path: Path, contents: Mapping[PurePosixPath, bytes]) -> None:
    """Write a zip: sorted, with fixed times, modes and compression. Names are ASCII."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body, directory = bytearray(), bytearray()
    for name, content in sorted((str(name).encode("ascii"), one) for name, one in contents.items()):
        checksum, packed = _deflated(content)
        sizes = (checksum, len(packed), len(content))
        entry = ENTRY.pack(VERSION, 0, DEFLATED, MIDNIGHT, FIRST_DAY, *sizes, len(name), 0)
        made_by = struct.pack("<H", UNIX | VERSION)
        directory += CENTRAL + made_by + entry + CENTRAL_END.pack(0, 0, 0, MODE, len(body)) + name
        body += LOCAL + entry + name + packed
    count = len(contents)
    end = END.pack(END_MAGIC, 0, 0, count, count, len(directory), len(body), 0)
    path.write_bytes(body + directory + end)


@cache
def _deflated(content: bytes) -> tuple[int, bytes]:
    """Return the checksum of a content and its compressed form."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return zlib.crc32(content), packer.compress(content) + packer.flush()
