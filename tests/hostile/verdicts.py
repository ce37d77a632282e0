"""The verdict on a whole file, for a table of them: what was asked of it and what it got.

Files that may not be kept with the project lie wherever PRODACCT_CORPUS says: folders, separated
as in PATH. What their manifests state is in `outside.json`, by the end of the path.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from access.errors import Invalid
from ingestion.formats.records import RejectedFile
from ingestion.gate.bank_reading import open_bank_file
from ingestion.layouts.sources import REGISTRY
from ledger.rates import RateFile, load_rates
from taxonomy.currencies import MINOR_UNITS
from tests.factories import Film, acting, import_data, role
from tests.hostile.imports import hostile_film, outcomes
from tests.ledger.banking import banked
from tests.ledger.raw_batches import query

# A folder anywhere in the path says what its files are.
SOURCES = {
    "bai2": "bank-statement", "camt053": "bank-statement", "mt940": "bank-statement",
    "ofx": "bank-statement", "ofxparse": "bank-statement", "iif": "iif-journals", "ecb": "rates",
}  # fmt: skip
# Beside the data: what others wrote about it.
NO_DATA = {"LICENSE", "COPYING", "MANIFEST.md", "README.md", "readme.md", "package.json",
           "expected.json"}  # fmt: skip
OUTSIDE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "outside.json").read_text()
)
MOST_SECONDS = 30


@dataclass
class Verdict:
    """One line of the table."""

    file: str
    source: str
    state: str
    code: str = ""
    rows: int = 0
    posted: int = 0
    duplicate: int = 0
    held: int = 0
    seconds: float = 0.0
    found: dict[int, str] = field(default_factory=dict)
    # What is not as its manifest says; '' where it is, or nothing is said of it.
    wrong: str = ""

    def line(self) -> str:
        """As it is printed."""
        return (
            f"{self.file[-58:]:58} {self.source:15} {self.state:23} {self.code:20}"
            f"{self.rows:7} {self.posted:7} {self.duplicate:5} {self.held:5} {self.seconds:6.2f}"
            f"  {self.wrong}"
        )


HEAD = (
    f"{'file':58} {'source':15} {'verdict':23} {'code':20}"
    f"{'rows':>7} {'posted':>7} {'dup':>5} {'held':>5} {'sec':>6}  not as the manifest says"
)


def outside_files() -> Iterator[tuple[str, Path]]:
    """(name, path) of every file of the corpora named in the environment."""
    for folder in filter(None, os.environ.get("PRODACCT_CORPUS", "").split(os.pathsep)):
        root = Path(folder)
        assert root.is_dir(), f"PRODACCT_CORPUS: there is no folder {folder}"
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and path.name not in NO_DATA and "/made/" not in f"/{name}":
                yield name, path


def source_of(name: str) -> str:
    """What a file is handed in as: by its folder, else as cost lines."""
    return next((SOURCES[part] for part in name.split("/") if part in SOURCES), "cost-lines")


def judged(name: str, data: bytes, source: str) -> Verdict:
    """The file imported into a production of its own."""
    film = hostile_film()
    if source == "rates":
        return _rates_judged(film, name, data)
    choices = _accounts_opened(film, name, data) if REGISTRY[source].feed else {}
    began = time.monotonic()
    batch = import_data(film, data, name=name.rpartition("/")[2], source=source, choices=choices)
    verdict = Verdict(
        name, source, batch.state, batch.code, batch.rows, batch.posted, batch.duplicate,
        batch.quarantined, time.monotonic() - began,
    )  # fmt: skip
    if not REGISTRY[source].feed and not REGISTRY[source].paper:
        verdict.found = outcomes(batch)
    assert batch.state in {"posted", "posted_with_quarantine", "rejected", "mapping_needed"}
    assert (batch.state in {"rejected", "mapping_needed"}) == bool(batch.reason)
    assert batch.rows == batch.posted + batch.duplicate + batch.quarantined
    assert verdict.seconds < MOST_SECONDS, f"{name} took {verdict.seconds:.0f} s"
    return verdict


def _rates_judged(film: Film, name: str, data: bytes) -> Verdict:
    began = time.monotonic()
    try:
        with role("worker"), acting(film, "amir"):
            loaded = load_rates(
                actor=film.cast["amir"], production=film.production,
                file=RateFile(name.rpartition("/")[2], data),
            )  # fmt: skip
    except Invalid as refusal:
        return Verdict(name, "rates", "rejected", refusal.message[:20])
    spent = time.monotonic() - began
    return Verdict(
        name,
        "rates",
        "posted",
        rows=loaded.new + loaded.known + loaded.outside,
        posted=loaded.new,
        seconds=spent,
    )


def _accounts_opened(film: Film, name: str, data: bytes) -> dict[str, str]:
    """Bank accounts for the statements of a file, and one for those that name none."""
    try:
        reading = open_bank_file(name, [data], REGISTRY["bank-statement"], None)
    except RejectedFile:
        return {}
    stated = {(s.account, s.currency or "USD") for s in reading.statements}
    # A currency that is no more has no bank account: the file says so.
    stated = {(account, currency) for account, currency in stated if currency in MINOR_UNITS}
    choices: dict[str, str] = {}
    for number, (account, currency) in enumerate(sorted(stated)):
        code = f"019{number}-00-00"
        with role("owner"):
            query(
                "INSERT INTO ledger_account (production_id, code, name, line, kind, normal_side,"
                " statement, is_postable, clearing_role) SELECT production_id, %s, 'Bank', '', '',"
                " 'debit', 'balance sheet', true, '' FROM ledger_account"
                " WHERE production_id = %s LIMIT 1",
                code, film.production.pk,
            )  # fmt: skip
        made = banked(
            film, name=f"Bank {number}", currency=currency, identifiers=account, account=code
        )
        if not account:
            choices = {"bank_account": str(made.pk)}
    return choices


def held_against(verdict: Verdict, said: dict[str, Any]) -> str:
    """What of a verdict is not as its manifest says; '' for nothing."""
    asked = {
        "file": "reject" if verdict.state == "rejected" else "accept",
        "code": verdict.code, "records": verdict.rows, "held": verdict.held,
        "posted": verdict.posted,
    }  # fmt: skip
    wrong = [
        f"{key} {asked[key]!r}, not {said[key]!r}" for key in asked if key in said
        and asked[key] != said[key]
    ]  # fmt: skip
    return "; ".join(wrong)
