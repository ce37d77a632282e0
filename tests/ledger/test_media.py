"""What a file is by its first bytes, its name, and parts of it."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ledger.media import BYTES, HEAD_BYTES, NoSuchRange, byte_range, media_type_of, plain_name
from tests.factories import role
from tests.ledger.exhibits import HTML, PDF, SVG, png

HEADS = {
    b"\xff\xd8\xff\xe0\0\x10JFIF": "image/jpeg",
    png(): "image/png",
    b"GIF89a\1\0\1\0": "image/gif",
    b"GIF87a\1\0\1\0": "image/gif",
    b"RIFF\x24\0\0\0WEBPVP8 ": "image/webp",
    PDF: "application/pdf",
}
NOT_SHOWN = [
    b"", HTML, SVG, b"<?xml version='1.0'?>" + SVG, b"\xef\xbb\xbf" + HTML, b" " + PDF,
    b"\x89PNG\r\n\x1a\n" + HTML, b"GIF90a", b"RIFF\x24\0\0\0WAVEfmt ", b"PK\3\4", b"MZ", b"BM",
    b"\xff\xd8", b"%pdf-1.7", b"II*\0", b"\0\0\0\x20ftypavif",
]  # fmt: skip


@pytest.mark.parametrize(("data", "kind"), HEADS.items())
def test_a_picture_and_a_page_are_known_by_their_first_bytes(data: bytes, kind: str) -> None:
    assert media_type_of(data[:HEAD_BYTES]) == kind


@pytest.mark.parametrize("data", NOT_SHOWN)
def test_everything_else_is_bytes(data: bytes) -> None:
    assert media_type_of(data[:HEAD_BYTES]) == BYTES


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=40)
    | st.builds(
        lambda h, n, b: h[:n] + b, st.sampled_from([*HEADS]), st.integers(0, 16), st.binary()
    )
)
@example(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")
def test_the_database_knows_a_file_by_the_same_bytes(database: None, data: bytes) -> None:
    with role("owner"), connection.cursor() as cursor:
        cursor.execute("SELECT journal.media_type_of(%s)", [data])
        [kind] = cursor.fetchone() or [None]
    assert kind == media_type_of(data[:HEAD_BYTES])


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("receipt.pdf", "receipt.pdf"),
        ("C:\\Users\\me\\receipt.pdf", "receipt.pdf"),
        ("../../etc/passwd", "passwd"),
        ("Reçu n° 7.pdf", "Reçu n° 7.pdf"),
        ('a"b;c\r\nSet-Cookie: x', 'a"b;cSet-Cookie: x'),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("a\0b", "ab"),
        ("  two   spaces .", "two spaces"),
        ("", "attachment"),
        ("...", "attachment"),
        ("/", "attachment"),
        ("x" * 200 + ".pdf", "x" * 146 + ".pdf"),
        ("x" * 200, "x" * 150),
        ("a." + "x" * 200, "a." + "x" * 148),
    ],
)
def test_a_name_is_kept_without_what_could_mislead(given_name: str, kept: str) -> None:
    assert plain_name(given_name) == kept


@given(st.text())
def test_a_name_is_never_empty_too_long_or_more_than_a_name(name: str) -> None:
    kept = plain_name(name)
    assert 1 <= len(kept) <= 150
    assert not set(kept) & set("/\\\r\n\0\t")
    assert plain_name(kept) == kept


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=5-99", (5, 10)),
        ("", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=٣-5", None),
    ],
)
def test_one_range_is_read_and_anything_odd_means_the_whole_file(
    asked: str, part: tuple[int, int] | None
) -> None:
    assert byte_range(asked, 10) == part


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99-"])
def test_a_range_outside_the_file_is_refused(asked: str) -> None:
    with pytest.raises(NoSuchRange):
        byte_range(asked, 10)
