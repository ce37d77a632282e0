"""A text file as its physical lines, each with the bytes it had when it was received.

Only CRLF, CR and LF end a line, as an editor shows it: str.splitlines() also breaks at VT, FF,
FS, NEL and U+2028, and then row 5 is not line 5.
"""

import codecs
from collections.abc import Iterable, Iterator

from ingestion.formats.container import refuse_foreign, split_head
from ingestion.formats.records import MEBIBYTE, RejectedFile

# Measured: blocks that fit the processor's cache are read 1.3 times as fast as a mebibyte.
BLOCK_BYTES = 32 * 1024
# No cost line is this long; without a bound, one open quote would hold the whole file in memory.
MAX_RECORD_BYTES = 4 * MEBIBYTE

_BOMS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
_WIDE = frozenset({"utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"})
# Encodings in which the bytes CR and LF are never part of another character, so that lines may be
# cut before they are decoded. Shift states (UTF-7, ISO-2022, HZ) and EBCDIC are not among them.
_LINE_SAFE = frozenset(
    {"utf-8", "ascii", "mac-roman", "koi8-r", "koi8-u"}
    | {f"cp{page}" for page in (437, 850, 852, 858, 866, 874, *range(1250, 1259))}
    | {f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))}
    | {"shift_jis", "cp932", "euc_jp", "gb2312", "gbk", "gb18030"}
    | {"big5", "cp950", "euc_kr", "cp949"}
)


class PhysicalLines:
    """The lines of one text file, in blocks.

    Lines travel in a working form in which line ends are bytes: as received, or, for UTF-16 and
    UTF-32, as UTF-8. `texts` decodes them, `received` gives their original bytes back.
    """

    def __init__(
        self,
        pieces: Iterable[bytes],
        declared: str | None,
        *,
        max_bytes: int,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._max_bytes = max_bytes
        self._block_bytes = block_bytes
        head, source = split_head(self._counted(pieces))
        refuse_foreign(head)
        self.encoding, self.bom_bytes = _encoding_of(head, declared)
        self._wide = self.encoding in _WIDE
        self._working = "utf-8" if self._wide else self.encoding
        if not self._wide:
            _refuse_nuls(head)
        self._source = source

    def blocks(self) -> Iterator[list[bytes]]:
        """Whole lines in working form, line ends kept, each block about `block_bytes` long."""
        source = _skip(self._source, self.bom_bytes)
        held: list[bytes] = []
        fresh = 0
        for piece in _transcoded(source, self.encoding) if self._wide else source:
            held.append(piece)
            fresh += len(piece)
            if fresh < self._block_bytes:
                continue
            # The last line may go on in the next piece; even a CR may be half of a CRLF.
            *lines, last = b"".join(held).splitlines(keepends=True)
            if len(last) > MAX_RECORD_BYTES:
                raise _line_too_long()
            held = [last]
            fresh = 0
            if lines:
                yield lines
        if rest := b"".join(held):
            yield rest.splitlines(keepends=True)

    def texts(self, lines: list[bytes]) -> tuple[list[str], list[int]]:
        """The lines as text, and which of them hold bytes that are not text in this encoding."""
        encoding = self._working
        try:
            return [line.decode(encoding) for line in lines], []
        except UnicodeDecodeError:
            pass
        texts: list[str] = []
        broken: list[int] = []
        for index, line in enumerate(lines):
            try:
                texts.append(line.decode(encoding))
            except UnicodeDecodeError:
                broken.append(index)
                texts.append(line.decode(encoding, "surrogateescape"))
        return texts, broken

    def received(self, lines: list[bytes]) -> list[bytes]:
        """The lines' bytes as they stood in the file."""
        if not self._wide:
            return lines
        # Exact, because a strict UTF-16 or UTF-32 decoding has one spelling only.
        return [line.decode().encode(self.encoding) for line in lines]

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, cut to block size, refused when they exceed the file limit."""
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > self._max_bytes:
                raise RejectedFile(
                    "E_TOO_BIG",
                    f"The file is larger than {self._max_bytes // MEBIBYTE} MiB. Send it in parts.",
                )
            for at in range(0, len(piece), self._block_bytes):
                yield piece[at : at + self._block_bytes]


def _encoding_of(head: bytes, declared: str | None) -> tuple[str, int]:
    """The encoding to read with and the length of the byte order mark, which outranks all."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding, len(bom)
    if declared is None:
        return "utf-8", 0
    try:
        encoding = codecs.lookup(declared).name
    except LookupError:
        encoding = ""
    if encoding not in _LINE_SAFE and encoding not in _WIDE:
        raise RejectedFile(
            "E_ENCODING",
            f"The mapping declares the encoding {declared[:40]!r}, which is not read here. "
            "Save the file as UTF-8, or declare the encoding it has.",
        )
    return encoding, 0


def _refuse_nuls(head: bytes) -> None:
    if head.count(0) * 8 > len(head):
        raise RejectedFile(
            "E_ENCODING",
            "More than an eighth of the first bytes are NUL: this is UTF-16 without a byte order "
            "mark, or not text. Save the file as UTF-8 and send it again.",
        )


def _skip(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[count:]
        count = max(0, count - len(piece))


def _transcoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        raise RejectedFile(
            "E_ENCODING",
            f"The file begins as {encoding.upper()} but holds bytes that are not "
            f"({error.reason}). Save it as UTF-8 and send it again.",
        ) from error


def _line_too_long() -> RejectedFile:
    return RejectedFile(
        "E_TOO_BIG",
        f"One line is longer than {MAX_RECORD_BYTES // MEBIBYTE} MiB; this is no list of costs. "
        "Check the export and send it again.",
    )
