"""Damaged bank files: one clear refusal or records inside the file, and never anything else."""

import random

import pytest

from ingestion.formats.feeds import FEED
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect, RejectedFile
from tests.ingestion.formats.bank_files import FILES

ROUNDS = 2_000
SIGNS = b"<>/:,;-+.0123456789ABD^!?\r\n \0\xff\xc3&"


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to three bytes changed, put in, taken out, or a stretch doubled or cut off."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(out))
        kind = chance.randrange(5)
        if kind == 0:
            out[at] = chance.choice(SIGNS)
        elif kind == 1:
            out.insert(at, chance.choice(SIGNS))
        elif kind == 2:
            del out[at : at + chance.randint(1, 12)]
        elif kind == 3:
            out[at:at] = out[at : at + chance.randint(1, 60)]
        else:
            del out[max(at, len(out) // 2) :]
        out = out or bytearray(b" ")
    return bytes(out)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(name: str) -> None:
    chance = random.Random(f"{name} 2026")
    read = refused = 0
    for _ in range(ROUNDS):
        data = mutated(FILES[name], chance)
        try:
            reading = open_file(name, [data], lambda _: True, Dialect())
            records = list(reading)
        except RejectedFile as rejection:
            assert rejection.code.startswith("E_")
            assert rejection.reason.endswith(".")
            refused += 1
            continue
        read += 1
        end = 0
        for row, record in enumerate(records, start=1):
            assert record.row == row
            assert end <= record.start < record.end <= len(data)
            assert record.raw == data[record.start : record.end]
            assert record.fields is not None
            assert len(record.fields) == len(FEED)
            assert 1 <= int(record.fields[0]) <= len(reading.statements)
            end = record.end
    assert read > 20
    assert refused > 20
