import gzip
import unicodedata

import pytest

from ingestion.formats.container import (
    detect,
    display_name,
    extension_of,
    split_head,
    unpack_gzip,
)
from ingestion.formats.records import RejectedFile
from tests.hostile.corpus import FILE_NAMES

ZIP = b"PK\x03\x04rest"
GZIP = b"\x1f\x8brest"


@pytest.mark.parametrize(
    ("name", "head", "file_format"),
    [
        ("week.csv", b"a,b\n", "csv"),
        ("WEEK 1 (final).CSV", b"a,b\n", "csv"),
        ("week.tsv", b"a\tb\n", "csv"),
        (".csv", b"", "csv"),
        ("rows.json", b"[]", "json"),
        ("rates.xml", b"<?xml version='1.0'?>", "xml"),
        ("book.xlsx", ZIP, "xlsx"),
        ("week.csv.gz", GZIP, "gz"),
    ],
)
def test_a_name_and_first_bytes_that_agree_give_the_format(
    name: str, head: bytes, file_format: str
) -> None:
    assert detect(name, head) == file_format


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("week.csv", ZIP),
        ("week.csv", GZIP),
        ("week.csv", b"\xd0\xcf\x11\xe0"),
        ("week.csv", b"<html>"),
        ("rows.json", b"%PDF-1.7"),
        ("rows.json", b"<?xml version='1.0'?>"),
        ("rates.xml", ZIP),
        ("book.xlsx", b"a,b\n"),
        ("book.xlsx", b"\xd0\xcf\x11\xe0"),
        ("book.xlsm", ZIP),
        ("book.xls", b"\xd0\xcf\x11\xe0"),
        ("week.zip", ZIP),
        ("week.csv.gz", b"a,b\n"),
        ("week", b"a,b\n"),
        ("", b"a,b\n"),
        ("week.csv.exe", b"a,b\n"),
    ],
)
def test_a_name_and_first_bytes_that_disagree_are_refused(name: str, head: bytes) -> None:
    with pytest.raises(RejectedFile) as rejected:
        detect(name, head)
    assert rejected.value.code == "E_FILETYPE"


def test_the_head_is_read_without_losing_it() -> None:
    head, stream = split_head(b"x" for _ in range(5_000))
    assert head == b"x" * 4_096
    assert b"".join(stream) == b"x" * 5_000
    assert split_head([])[0] == b""


def test_gzip_is_unpacked_member_after_member() -> None:
    packed = gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n") + b"\0\0"
    assert b"".join(unpack_gzip([packed[:7], packed[7:]])) == b"a,b\n1,2\n"


def test_a_bomb_is_refused_by_its_real_bytes_before_a_record_is_read() -> None:
    packed = gzip.compress(b"0" * 2_000_000)
    with pytest.raises(RejectedFile, match="E_TOO_BIG_UNPACKED"):
        unpack_gzip([packed], limit=1_000_000)


@pytest.mark.parametrize("cut", [3, -1, -9])
def test_a_damaged_archive_is_refused(cut: int) -> None:
    packed = gzip.compress(b"transaction_id\n" * 100)
    with pytest.raises(RejectedFile, match="E_FILETYPE"):
        unpack_gzip([packed[:cut]])
    flipped = bytearray(packed)
    flipped[-6] ^= 1
    with pytest.raises(RejectedFile, match="E_FILETYPE"):
        unpack_gzip([bytes(flipped)])


@pytest.mark.parametrize("raw", FILE_NAMES)
def test_a_hostile_name_can_be_shown(raw: str) -> None:
    shown = display_name(raw)
    assert 0 < len(shown) <= 120
    assert not {"/", "\\"} & set(shown)
    assert not any(unicodedata.category(sign).startswith("C") for sign in shown)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("..\\..\\win.csv", "win.csv"),
        ("a\0b.csv", "ab.csv"),
        ("\u202egpj.exe.csv", "gpj.exe.csv"),
        ('a"b\r\nX-Evil: 1.csv', 'a"bX-Evil: 1.csv'),
        ("", "unnamed file"),
        ("a/", "unnamed file"),
        ("x" * 300 + ".csv", "x" * 115 + "….csv"),
        ("week 1 (final) (2).CSV", "week 1 (final) (2).CSV"),
    ],
)
def test_a_name_is_shown_without_what_could_mislead(raw: str, shown: str) -> None:
    assert display_name(raw) == shown


def test_the_extension_of_a_long_name_is_not_lost() -> None:
    assert extension_of("x" * 300 + ".Json") == "json"
    assert extension_of("no extension") == ""
