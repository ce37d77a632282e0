"""manage.py verify_journal: what it prints, and how it ends."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import Film, role
from tests.ledger.raw_batches import query
from tests.ledger.tampering import a_row, tampering


def verified(*options: str) -> tuple[int, str]:
    """(exit code, what was printed) of manage.py verify_journal."""
    out = StringIO()
    try:
        call_command("verify_journal", *options, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def test_the_command_ends_with_0_on_a_whole_film(imported: Film) -> None:
    with role("owner"):
        code, said = verified("--production", imported.code.lower())
    assert code == 0
    assert said.startswith(
        f"{imported.code}: whole. 13 entries, 3 batches, 7 transactions, 7 postings"
    )


def test_the_command_ends_with_1_and_names_what_was_altered(imported: Film) -> None:
    with tampering():
        row = a_row(imported, "ledger_posting")
        query("UPDATE ledger_posting SET amount = amount + 1 WHERE ctid = %s::tid", row["at"])
        code, said = verified("--production", imported.code)
    assert code == 1
    assert f"ALTERED  posting {row['batch_id']}/{row['line_no']}: it is not as it was" in said
    assert f"{imported.code}: " in said.splitlines()[-1]
    assert "findings" in said.splitlines()[-1]


def test_the_command_says_the_same_as_json(imported: Film) -> None:
    with tampering():
        whole = verified("--production", imported.code, "--json")
        row = a_row(imported, "ledger_posting")
        query("UPDATE ledger_posting SET rule = 'mine' WHERE ctid = %s::tid", row["at"])
        code, said = verified("--production", imported.code, "--json")
    assert whole[0] == 0
    told = json.loads(whole[1])
    nodes = told.pop("nodes")
    assert nodes > 0
    assert told == {
        "production": imported.code, "whole": True, "entries": 13, "batches": 3, "transactions": 7,
        "postings": 7, "documents": 6, "checkpoints": 3, "findings": [],
    }  # fmt: skip
    assert code == 1
    altered = json.loads(said)
    assert altered["whole"] is False
    assert altered["findings"] == [
        {"record": f"posting {row['batch_id']}/{row['line_no']}",
         "problem": "it is not as it was sealed"}
    ]  # fmt: skip


def test_the_command_refuses_a_film_there_is_not(imported: Film) -> None:
    with role("owner"), pytest.raises(CommandError, match="there is no production 'NONE'"):
        verified("--production", "NONE")
