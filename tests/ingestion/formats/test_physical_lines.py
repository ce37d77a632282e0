import pytest

from ingestion.formats.physical_lines import MAX_RECORD_BYTES, PhysicalLines
from ingestion.formats.records import RejectedFile


def lines_of(data: bytes, declared: str | None = None, size: int = 3) -> list[str]:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    reader = PhysicalLines(pieces, declared, max_bytes=1 << 20, block_bytes=4)
    found: list[str] = []
    received = reader.bom_bytes
    for block in reader.blocks():
        texts, broken = reader.texts(block)
        assert not broken
        found += texts
        received += sum(map(len, reader.received(block)))
    assert received == len(data)
    return found


TEXT = 'é,"a\u2028b\x85c\x0b"\r\nñ\rlast\n\n— 日'
LINES = ['é,"a\u2028b\x85c\x0b"\r\n', "ñ\r", "last\n", "\n", "— 日"]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_only_line_ends_end_a_line_in_every_unicode_encoding(encoding: str, size: int) -> None:
    marked = "\ufeff" + TEXT
    assert lines_of(marked.encode(encoding), size=size) == LINES


def test_a_declared_encoding_is_decoded_line_by_line() -> None:
    text = "表|ソ\\\r\n能\n"
    assert lines_of(text.encode("shift_jis"), "Shift-JIS") == ["表|ソ\\\r\n", "能\n"]
    assert lines_of("Zoë – €\n".encode("cp1252"), "windows-1252") == ["Zoë – €\n"]


def test_a_byte_order_mark_outranks_what_the_mapping_declares() -> None:
    assert lines_of("\ufeffé\n".encode(), "cp1252") == ["é\n"]


def test_lines_that_are_not_text_are_named_and_keep_their_separators() -> None:
    reader = PhysicalLines([b"a,b\nc\xff,d\n"], None, max_bytes=99)
    texts, broken = reader.texts(next(reader.blocks()))
    assert broken == [1]
    assert texts[1].split(",")[1] == "d\n"


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (b"a\0b\0c\0", None),
        (b"\xff\xfea\0b", None),
        (b"\xff\xfe\x00\xd8a\0", None),
        (b"plain", "utf-7"),
        (b"plain", "iso-2022-jp"),
        (b"plain", "cp037"),
        (b"plain", "rot13"),
        (b"plain", "no such thing"),
        (b"plain", "utf-16"),
    ],
)
def test_text_that_would_have_to_be_guessed_is_refused(data: bytes, declared: str | None) -> None:
    with pytest.raises(RejectedFile) as rejected:
        list(PhysicalLines([data], declared, max_bytes=99).blocks())
    assert rejected.value.code == "E_ENCODING"


def test_a_file_past_its_limit_is_refused_while_it_arrives() -> None:
    with pytest.raises(RejectedFile, match="E_TOO_BIG"):
        list(PhysicalLines([b"line\n" * 10] * 9, None, max_bytes=100).blocks())


def test_one_endless_line_is_refused_before_it_fills_memory() -> None:
    pieces = iter([b"x" * 65_536] * (MAX_RECORD_BYTES // 65_536 * 3))
    with pytest.raises(RejectedFile, match="E_TOO_BIG"):
        list(PhysicalLines(pieces, None, max_bytes=1 << 30).blocks())
    assert next(pieces, None) is not None
