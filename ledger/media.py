"""What an attached file is by its first bytes, what it may be called, and parts of it. Pure.

Only kinds that cannot run anything of ours are ever shown; everything else is a download of bytes.
"""

import re
import unicodedata

# What a browser may show in its place, sandboxed. Neither HTML nor SVG: both carry scripts.
SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"})
PDF = "application/pdf"
BYTES = "application/octet-stream"
HEAD_BYTES = 16
LONGEST_NAME = 150
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


class NoSuchRange(Exception):
    """The range asked for has no byte of the file in it."""


def media_type_of(head: bytes) -> str:
    """The kind of a file by its first 16 bytes; BYTES for all that is not shown.

    The database decides the same way (journal.media_type_of in sql/attachments.sql).
    """
    if head[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR":
        return "image/png"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:5] == b"%PDF-":
        return PDF
    return BYTES


def plain_name(name: str) -> str:
    """The file's own name without folders, control or direction marks; never empty."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    plain = " ".join(shown.split()).strip(" .")
    if len(plain) > LONGEST_NAME:
        stem, dot, ending = plain.rpartition(".")
        ending = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
        plain = (stem if ending else plain)[: LONGEST_NAME - len(ending)].rstrip(" .") + ending
    return plain or "attachment"


def byte_range(asked: str, size: int) -> tuple[int, int] | None:
    """(first, end) of the one range a Range header asks for, end not included; None for the whole.

    Raises NoSuchRange when nothing of the file lies in it. Several ranges get the whole file.
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise NoSuchRange
    return start, end
