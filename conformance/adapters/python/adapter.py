#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An adapter of pmkit grade. Put your own reader in the place of words()."""
import errno
import json
import os
import struct
import sys

FLAGS = {"soft-dirty": 55, "exclusive": 56, "uffd-wp": 57, "guard": 58, "file": 61}
SINCE = {"soft-dirty": (3, 11), "exclusive": (4, 3), "uffd-wp": (5, 14), "guard": (6, 15), "file": (3, 5)}


def words(path, index, n):
    """As many of the n words as there are, and why no more."""
    found = []
    try:
        with open(path, "rb", buffering=0) as file:
            while len(found) < n:
                data = os.pread(file.fileno(), 8 * (n - len(found)), 8 * (index + len(found)))
                if not data:
                    return found, "EOF"
                found += struct.unpack(f"={len(data) // 8}Q", data)
    except OSError as why:
        return found, errno.errorcode[why.errno]
    return found, None


def page(word, kernel, address, size):
    """A word of pagemap: present, swap-like or absent; a frame of 0 is a hidden one."""
    state = "present" if word >> 63 else "swapped" if word >> 62 else "absent"
    if kernel < (4, 3) and word >> 56 & 31:
        word &= ~(63 << 55)  # the page shift, until clear_refs is first written
    fields = {"state": state} | {f: bool(word >> bit & 1) and kernel >= SINCE[f] for f, bit in FLAGS.items()}
    pfn = word & (1 << 55) - 1
    if state == "present" and pfn:
        fields |= {"pfn": pfn, "phys": hex((pfn * size + address % size) % (1 << 64))}
    return fields


def answer(question):
    kernel = tuple(int(n) for n in question["kernel"].split("/")[0].split(".")[:2])
    size = question["page_size"]
    if question["ask"] == "frame":
        found, error = words("/proc/kpageflags", int(question["pfn"], 0), 1)
        return {"error": error} if error else {"flags": hex(found[0])}
    start = int(question.get("address") or question["start"], 0)
    n = (int(question["end"], 0) - start) // size if question["ask"] == "range" else 1
    found, error = words(f"/proc/{question['pid']}/pagemap", start // size, n)
    pages = [page(word, kernel, start + i * size, size) for i, word in enumerate(found)]
    failed = {"error": error} if error else {}
    return failed | ({"pages": pages} if question["ask"] == "range" else pages[0] if pages else {})


FIELDS = ["state", "pfn", "phys", *FLAGS]
print(json.dumps({"adapter": "python", "page": FIELDS, "range": FIELDS, "frame": ["flags"]}), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
