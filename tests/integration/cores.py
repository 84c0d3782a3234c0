# SPDX-License-Identifier: GPL-2.0-or-later
"""Small but genuine core files: an ELF header, the notes that tell who crashed, and one segment that is mostly a hole."""
import os
import struct
import subprocess

PAGE = 4096


def _note(kind, data):
    return struct.pack("<III", 5, len(data), kind) + b"CORE\0\0\0\0" + data + b"\0" * (-len(data) % 4)


def write_core(path, pid=4711, signal=11, comm="gimp", uid=1000, size=8 << 20, compress=None):
    """A core of `size` bytes of which three pages are data. compress: None, "zstd", "lz4" or "xz". Gives the plain bytes."""
    prstatus = bytearray(336)
    struct.pack_into("<i", prstatus, 0, signal)
    struct.pack_into("<h", prstatus, 12, signal)
    struct.pack_into("<i", prstatus, 32, pid)
    prpsinfo = bytearray(136)
    struct.pack_into("<IIi", prpsinfo, 16, uid, uid, pid)
    struct.pack_into("16s80s", prpsinfo, 40, comm.encode()[:15], f"/usr/bin/{comm} --new-window".encode()[:79])
    notes = _note(1, bytes(prstatus)) + _note(3, bytes(prpsinfo))
    header = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    segments = struct.pack("<IIQQQQQQ", 4, 0, 64 + 2 * 56, 0, 0, len(notes), 0, 4)
    segments += struct.pack("<IIQQQQQQ", 1, 6, PAGE, 0x7F0000000000, 0, size - PAGE, size - PAGE, PAGE)
    with open(path, "wb") as core:
        core.write(header + segments + notes)
        for at in (PAGE, size // 2 // PAGE * PAGE, size - PAGE):
            core.seek(at)
            core.write(os.urandom(PAGE // 2) + b"end of page".ljust(PAGE // 2, b"."))
    data = open(path, "rb").read()
    if compress:
        tool = {"zstd": ["zstd", "-q", "--rm", "-f"], "lz4": ["lz4", "-q", "--rm", "-f"], "xz": ["xz", "-f"]}[compress]
        suffix = {"zstd": ".zst", "lz4": ".lz4", "xz": ".xz"}[compress]
        subprocess.run([*tool, str(path), *([] if compress == "xz" else ["-o", str(path) + suffix])], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return data
