"""Thousands of damaged files: each is read to the last byte or rejected with a reason."""

import random
from collections.abc import Callable

from ingestion.formats.csv_file import read_csv
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, Record, RejectedFile
from tests.hostile.corpus import DECLARED, EXPECTED, MADE, assert_cover, cut, recognise
from tests.lengths import times

MUTATIONS = times(10_000, promised=200_000)
SMALL = {
    name: (MADE / name).read_bytes()
    for name, verdict in EXPECTED.items()
    if verdict["bytes"] < 3_000 and name.endswith((".csv", ".tsv"))
}
NOISE = (b"\r", b"\n", b"\r\n", b'"', b'""', b'",', b',"', b"\0", b"\x1a", b"\xff", b"\xe2\x80")


def flip_a_bit(data: bytearray, dice: random.Random) -> None:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def delete_a_stretch(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    del data[at : at + dice.randrange(1, 40)]


def double_a_stretch(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    data[at:at] = data[at : at + dice.randrange(1, 200)]


def cut_the_end(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data) + 1) :]


def add_noise(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    data[at:at] = dice.choice(NOISE)


WAYS: list[Callable[[bytearray, random.Random], None]] = [
    flip_a_bit,
    delete_a_stretch,
    double_a_stretch,
    cut_the_end,
    add_noise,
    add_noise,
]


def damage(data: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(dice.randrange(1, 5)):
        dice.choice(WAYS)(damaged, dice)
    return bytes(damaged)


def outcome(data: bytes, dialect: Dialect, block_bytes: int) -> tuple[list[Record], str | None]:
    """What comes of a file: its records, or the code it is rejected with."""
    try:
        reading = read_csv(cut(data, 999), recognise, dialect, block_bytes=block_bytes)
        return list(reading), None
    except RejectedFile as rejected:
        return [], rejected.code


def assert_lawful(data: bytes, dialect: Dialect) -> None:
    reading = read_csv([data], recognise, dialect, record_spans=True)
    records = list(reading)
    assert reading.spans is not None
    assert_cover(reading.spans, len(data))
    assert [record.row for record in records] == list(range(1, len(records) + 1))
    spans = [(span.start, span.end) for span in reading.spans if span.kind == "record"]
    assert spans == [(record.start, record.end) for record in records]
    for record in records:
        assert record.raw == data[record.start : record.end]
        assert record.code or record.fields is not None
        # No half of a surrogate pair may come through: a database would refuse it.
        assert "".join(record.fields or ()).encode() is not None
        if not reading.encoding.startswith("utf-16"):
            assert record.line == len(data[: record.start].splitlines()) + 1


def test_no_damage_to_a_text_file_escapes_the_law() -> None:
    dice = random.Random(1927)
    names = sorted(SMALL)
    read = 0
    for _ in range(MUTATIONS):
        name = dice.choice(names)
        data = damage(SMALL[name], dice)
        dialect = dice.choice([DECLARED.get(name, Dialect()), Dialect(encoding="shift_jis")])
        records, code = outcome(data, dialect, dice.choice([64, 500]))
        assert outcome(data, dialect, 1 << 15) == (records, code)
        if code is None:
            assert_lawful(data, dialect)
            read += 1
    # Were nearly all files rejected, the test would prove little.
    assert read > MUTATIONS // 3


def test_no_damage_to_another_format_raises_anything_but_a_rejection() -> None:
    dice = random.Random(1931)
    names = sorted(
        name
        for name in EXPECTED
        if name.endswith((".json", ".xml", ".xlsx")) and (MADE / name).stat().st_size < 6_000
    )
    outcomes = set()
    for _ in range(2_000):
        name = dice.choice(names)
        data = damage((MADE / name).read_bytes(), dice)
        try:
            outcomes.add(len(list(open_file(name, [data], recognise, Dialect()))))
        except RejectedFile as rejected:
            outcomes.add(rejected.code)
    assert {"E_JSON", "E_XML", "E_FILETYPE"} <= outcomes
