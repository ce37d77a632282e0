"""Every file there is, through the whole path, and the table of what became of each.

PRODACCT_CORPUS=/folder:/other pytest -s tests/hostile/test_verdicts.py
"""

import resource

import pytest

from tests.hostile.corpus import EXPECTED, MADE
from tests.hostile.imports import agrees
from tests.hostile.test_import_corpus import expected_rows
from tests.hostile.verdicts import (
    HEAD,
    OUTSIDE,
    Verdict,
    held_against,
    judged,
    outside_files,
    source_of,
)

MOST_MEGABYTES = 400


def made_verdict(name: str) -> Verdict:
    """A file of our own, held against every row of its manifest."""
    said = EXPECTED[name]
    verdict = judged(name, (MADE / name).read_bytes(), "cost-lines")
    verdict.wrong = held_against(
        verdict, {key: said[key] for key in ("file", "code", "records") if said[key] is not None}
    )
    if said["file"] == "accept" and not verdict.wrong:
        asked = expected_rows(name)
        wrong = [n for n, one in verdict.found.items() if not agrees(one, asked[n])]
        verdict.wrong = f"rows {wrong}" if wrong else ""
    return verdict


def outside_verdict(name: str, data: bytes) -> Verdict:
    said = next((said for end, said in OUTSIDE.items() if name.endswith(end)), {})
    verdict = judged(name, data, said.get("source", source_of(name)))
    verdict.wrong = held_against(verdict, said)
    return verdict


def shown(verdict: Verdict) -> Verdict:
    print(verdict.line(), flush=True)
    return verdict


@pytest.mark.usefixtures("database")
def test_every_file_gets_the_verdict_of_its_manifest() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("", HEAD, sep="\n")
    table = [shown(made_verdict(name)) for name in EXPECTED]
    table += [shown(outside_verdict(name, path.read_bytes())) for name, path in outside_files()]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(
        f"{len(table)} files, {sum(v.rows for v in table):,} rows:"
        f" {sum(v.posted for v in table):,} posted, {sum(v.duplicate for v in table):,} duplicate,"
        f" {sum(v.held for v in table):,} held; {sum(v.state == 'rejected' for v in table)} files"
        f" rejected; the process grew by {grown} MB"
    )
    assert [f"{v.file}: {v.wrong}" for v in table if v.wrong] == []
    assert grown < MOST_MEGABYTES
