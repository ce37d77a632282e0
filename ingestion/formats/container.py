"""What a file is: its extension and its first bytes must say the same."""

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from ingestion.formats.records import (
    MAX_HELD_BYTES,
    MAX_UNPACKED_BYTES,
    MEBIBYTE,
    RejectedFile,
    gather,
)

HEAD_BYTES = 4096

_BINARY = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office workbook"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file"),
    (b"{\\rtf", "an RTF document"),
)
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!doctype|<html)", re.IGNORECASE)

# The format behind each extension that is read.
_FORMATS = {
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "json": "json",
    "xml": "xml",
    "xlsx": "xlsx",
    "gz": "gz",
    "ofx": "ofx",
    "qfx": "ofx",
    "bai": "bai2",
    "bai2": "bai2",
    "sta": "mt940",
    "mt940": "mt940",
    "940": "mt940",
    "qif": "qif",
    "iif": "iif",
}
# How a bank's file begins, whatever its name: banks send BAI2 and MT940 as .txt, OFX as .xml.
_FEEDS = (
    ("ofx", re.compile(rb"\s*(?:OFXHEADER\s*:|<\?OFX\b|<OFX\s*>)|[^\0]{0,1000}?<OFX\s*>", re.I)),
    ("camt", re.compile(rb"[^\0]*?urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.")),
    ("qif", re.compile(rb"\s*!(?:Type|Account|Option|Clear)\b", re.I)),
    ("bai2", re.compile(rb"\s*01,(?:[^,\r\n]*,){7}\s*2\s*/?\s*(?:[\r\n]|\Z)")),
    ("mt940", re.compile(rb"[^\0]{0,400}?(?:^|[\r\n]):20:[^\0]*?[\r\n]:25[A-Z]?:")),
)
BANK_FORMATS = frozenset(name for name, _ in _FEEDS)
_REFUSED = {
    "zip": "A ZIP archive may hold many files; unpack it and send each one by itself.",
    "xlsm": "A workbook with macros is never opened; save it as .xlsx and send that.",
    "xls": "The old .xls form is not read; save it as .xlsx or .csv and send that.",
}


def sniff_binary(head: bytes) -> str | None:
    """What a file that is not text is, by its first bytes."""
    return next((kind for magic, kind in _BINARY if head.startswith(magic)), None)


def sniff_foreign(head: bytes) -> str | None:
    """What a file that should be CSV is instead, by its first bytes."""
    return sniff_binary(head) or ("an XML or HTML page" if _MARKUP.match(head) else None)


def refuse_foreign(head: bytes) -> None:
    if kind := sniff_foreign(head):
        raise RejectedFile(
            "E_FILETYPE",
            f"The file is {kind}, not comma-separated text. Export it as CSV and send that.",
        )


def extension_of(name: str) -> str:
    """The part of an upload's name after its last dot, in lower case."""
    _, dot, extension = clean_name(name).rpartition(".")
    return extension.lower() if dot else ""


def sniff_feed(head: bytes) -> str | None:
    """Which kind of bank's file this is by how it begins; None when it is none of them."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    return next((name for name, begins in _FEEDS if begins.match(text)), None)


def detect(name: str, head: bytes) -> str:
    """The format to read a file as: one of _FORMATS' or BANK_FORMATS."""
    extension = extension_of(name)
    if extension in _REFUSED:
        raise RejectedFile("E_FILETYPE", _REFUSED[extension])
    if extension not in _FORMATS:
        raise RejectedFile(
            "E_FILETYPE",
            f"A file ending in {extension!r} is not read here. "
            "Send .csv, .tsv, .txt, .json, .xml, .xlsx or .csv.gz, or a bank's .ofx, .qfx, .bai, "
            ".sta, .mt940 or .qif, or QuickBooks' .iif.",
        )
    expected = _FORMATS[extension]
    feed = sniff_feed(head) if extension in {"txt", "xml"} or expected in BANK_FORMATS else None
    if expected in BANK_FORMATS:
        _refuse_unless(feed in {None, expected} and not _is_foreign(head), extension, head)
    elif feed is not None and sniff_binary(head) is None:
        return feed
    elif expected == "csv":
        refuse_foreign(head)
    elif expected == "iif":
        _refuse_unless(not _is_foreign(head), extension, head)
    elif expected in {"json", "xml"}:
        _refuse_unless(sniff_binary(head) is None, extension, head)
        _refuse_unless(expected == "xml" or not _MARKUP.match(head), extension, head)
    elif expected == "xlsx":
        _refuse_unless(head.startswith(b"PK\x03\x04"), extension, head)
    else:
        _refuse_unless(head.startswith(b"\x1f\x8b"), extension, head)
    return expected


def _is_foreign(head: bytes) -> bool:
    """Whether what should be a bank's file is none at all, as the page of a bank's login is."""
    return sniff_binary(head) is not None or (
        sniff_foreign(head) is not None and sniff_feed(head) is None
    )


def _refuse_unless(agrees: bool, extension: str, head: bytes) -> None:
    if agrees:
        return
    feed = sniff_feed(head)
    kind = sniff_foreign(head) or (f"a bank's file in {feed.upper()}" if feed else "something else")
    raise RejectedFile(
        "E_FILETYPE",
        f"The name ends in .{extension}, but the file is {kind}. "
        "Send the file under the name of what it is.",
    )


def split_head(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of a stream, and the stream with them still in front."""
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    return head[:HEAD_BYTES], chain([head] if head else [], source)


def unpack_gzip(pieces: Iterable[bytes], limit: int = MAX_UNPACKED_BYTES) -> Iterator[bytes]:
    """The content of a gzip file, once its size and checksum have been proven.

    The archive is unpacked twice: first only to count the real bytes (the size it states about
    itself is the sender's claim), so that no record is read from one that turns out to be a bomb.
    """
    packed = gather(pieces, MAX_HELD_BYTES)
    size = 0
    for piece in _inflate(packed):
        size += len(piece)
        if size > limit:
            raise RejectedFile(
                "E_TOO_BIG_UNPACKED",
                f"Unpacked, the archive is larger than {limit // 1_000_000} MB. "
                "Send the file unpacked, or in parts.",
            )
    return _inflate(packed)


def _inflate(packed: bytes) -> Iterator[bytes]:
    while packed:
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        while not member.eof:
            try:
                piece = member.decompress(packed, MEBIBYTE)
            except zlib.error:
                piece = b""
            packed = member.unconsumed_tail
            if not piece and not member.eof:
                raise RejectedFile(
                    "E_FILETYPE",
                    "The gzip archive is damaged or cut short. Pack the file again and send it.",
                )
            yield piece
        # Zeros after the last member are padding some tools write.
        packed = member.unused_data.lstrip(b"\0")


_FALLBACK_NAME = "unnamed file"
_NAME_CHARS = 120


def clean_name(raw: str) -> str:
    """An upload's name without path, control, direction or invisible signs."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", raw))[-1]
    # Cc control, Cf format (direction marks, zero width), Cs surrogates, Co/Cn nobody's signs.
    return " ".join("".join(s for s in last if unicodedata.category(s)[0] != "C").split())


def form_of(file_name: str) -> str:
    """The form a file's name claims, '' for text of any kind."""
    ending = file_name.rpartition(".")[2].lower()
    return "" if ending in {"csv", "tsv", "tab", "txt"} else ending[:8]


def display_name(raw: str) -> str:
    """An upload's name as it may be shown, 120 signs at most and never empty.

    Not a name to store under: stored files are named by their digest.
    """
    shown = clean_name(raw)
    if len(shown) <= _NAME_CHARS:
        return shown or _FALLBACK_NAME
    _, dot, extension = shown.rpartition(".")
    ending = f"…{dot}{extension}" if dot and len(extension) <= 10 else "…"
    return shown[: _NAME_CHARS - len(ending)] + ending
