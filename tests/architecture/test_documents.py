"""THREAT_MODEL.md and docs/asvs.md say what they count and what shows it."""

import re
from collections import Counter
from collections.abc import Iterator

from tests.architecture.sources import ROOT
from tests.architecture.surfaces import NAMED_TEST

ANSWERS = {"met", "met in part", "not met", "not applicable"}
# Levels 1 and 2 of the standard, without its chapters on OAuth and WebRTC.
REQUIREMENTS = 217
ID = re.compile(r"(V\d+\.\d+)\.(\d+)(?:-V\d+\.\d+\.(\d+))?")


def rows(path: str) -> Iterator[list[str]]:
    """The cells of each row of each table, headers and rules between them left out."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    for before, line in zip(lines, [*lines[1:], ""], strict=True):
        if before.startswith("|") and not line.startswith("|---") and "---" not in before:
            yield [cell.strip() for cell in before.strip("|").split("|")]


def test_every_requirement_has_one_answer_and_the_head_counts_them() -> None:
    answered: Counter[str] = Counter()
    seen: set[str] = set()
    for cells in rows("docs/asvs.md"):
        if (found := ID.fullmatch(cells[0])) is None:
            continue
        section, first, last = found.groups()
        ids = {f"{section}.{n}" for n in range(int(first), int(last or first) + 1)}
        assert not ids & seen, f"{ids & seen} stand twice"
        assert cells[2] in ANSWERS, cells
        assert cells[3], f"{cells[0]} says nothing of how"
        seen |= ids
        answered[cells[2]] += len(ids)
    head = (ROOT / "docs/asvs.md").read_text(encoding="utf-8").partition("\n## ")[0]
    said = re.search(
        r"Of (\d+) requirements.*?: (\d+) met, (\d+) met in part,\s+(\d+) not met, (\d+) not appl",
        head, re.DOTALL,
    )  # fmt: skip
    assert said is not None
    counts = [answered[answer] for answer in ("met", "met in part", "not met", "not applicable")]
    assert [int(number) for number in said.groups()] == [REQUIREMENTS, *counts]
    assert len(seen) == REQUIREMENTS


def test_every_attack_names_what_shows_that_it_fails() -> None:
    attacks = [cells for cells in rows("THREAT_MODEL.md") if len(cells) == 3]
    assert len(attacks) > 60
    assert [cells[0] for cells in attacks if not NAMED_TEST.search(cells[2])] == []
