"""Debug information of compiled modules, which takes most of some wheels' size.

Nothing that runs reads it. It is overwritten with zeros, which the zip packs to nothing: the file
keeps its shape, so that this holds for every architecture and needs no linker's tools.
https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
"""

import struct

MAGIC = b"\x7fELF"
LITTLE_64_BIT = b"\x02\x01"
SECTIONS_AT = 0x28
"""Where the header says where the section headers begin."""
SECTION_COUNT_AT = 0x3C
SECTION_HEADER = struct.Struct("<IIQQQQ24x")
"""Name, type, flags, address, offset, size."""
LOADED = 0x2
"""The flag of a section that is in memory at run time."""
NO_BITS = 8
"""The type of a section that takes no room in the file."""
DEBUG = b".debug_"


def without_debug_information(content: bytes) -> bytes:
    """Return a compiled module with zeros for debug information; anything else as it is."""
    if content[:4] != MAGIC or content[4:6] != LITTLE_64_BIT:
        return content
    (at,) = struct.unpack_from("<Q", content, SECTIONS_AT)
    count, names_index = struct.unpack_from("<HH", content, SECTION_COUNT_AT)
    headers = [
        SECTION_HEADER.unpack_from(content, at + index * SECTION_HEADER.size)
        for index in range(count)
    ]
    if not headers:
        return content
    names_at = headers[names_index][4]
    cleared = bytearray(content)
    for name, kind, flags, _, offset, size in headers:
        is_debug = content.startswith(DEBUG, names_at + name)
        if is_debug and kind != NO_BITS and not flags & LOADED:
            cleared[offset : offset + size] = bytes(size)
    return bytes(cleared)
