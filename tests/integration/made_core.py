# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores of a machine that is not at hand: registers, a stack and the mappings of a real program for it, put together as Linux does
(fs/binfmt_elf.c). 64 bits, little-endian."""
import struct
from pathlib import Path

PAGE = 4096
STACK = 0x7FFFFF000000
PT_LOAD, PT_NOTE, NT_PRSTATUS, NT_PRPSINFO, NT_FILE = 1, 4, 1, 3, 0x46494C45


def note(kind, data, name=b"CORE\0\0\0\0"):
    return struct.pack("<III", len(name.rstrip(b"\0")) + 1, len(data), kind) + name + data + b"\0" * (-len(data) % 4)


def loads_of(program):
    """(offset, address, flags, bytes in the file, in memory) of each PT_LOAD, in whole pages."""
    data = Path(program).read_bytes()
    at, size, n = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    rows = []
    for i in range(n):
        kind, flags, offset, address, _, in_file, in_memory, _ = struct.unpack_from("<IIQQQQQQ", data, at + i * size)
        if kind == PT_LOAD:
            skew = address % PAGE
            rows.append((offset - skew, address - skew, flags, in_file + skew, -(-(in_memory + skew) // PAGE) * PAGE))
    return data, rows


def write_core(path, program, machine, registers, stack, more=b""):
    """registers: the words of pr_reg; stack: bytes from STACK on; more: notes. Of the program the core holds the first page, as Linux' do."""
    data, loads = loads_of(program)
    status = struct.pack("<iii", 11, 0, 0) + struct.pack("<hxxQQiiii", 11, 0, 0, 4711, 1, 1, 1) + bytes(64)
    status += struct.pack(f"<{len(registers)}Q", *registers) + bytes(8)
    files = struct.pack("<QQ", len(loads), PAGE) + b"".join(struct.pack("<QQQ", a, a + m, o // PAGE) for o, a, _, _, m in loads)
    process = struct.pack("<bbbbxxxxQIIiiii16s80s", 0, 82, 0, 0, 0, 0, 0, 4711, 1, 1, 1, b"prog", b"prog")
    notes = note(NT_PRSTATUS, status) + note(NT_PRPSINFO, process) + note(NT_FILE, files + (str(program).encode() + b"\0") * len(loads)) + more
    contents = [(STACK, 6, stack.ljust(PAGE, b"\0"), PAGE)] + [(a, f, data[:PAGE] if o == 0 else b"", m) for o, a, f, _, m in loads]
    contents.sort()
    head = 64 + 56 * (1 + len(contents))
    at = -(-(head + len(notes)) // PAGE) * PAGE
    segments = struct.pack("<IIQQQQQQ", PT_NOTE, 0, head, 0, 0, len(notes), 0, 4)
    body = b""
    for address, flags, content, size in contents:
        segments += struct.pack("<IIQQQQQQ", PT_LOAD, flags, at + len(body), address, 0, len(content), size, PAGE)
        body += content
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, 1 + len(contents), 0, 0, 0)
    Path(path).write_bytes((header + segments + notes).ljust(at, b"\0") + body)
    return path
