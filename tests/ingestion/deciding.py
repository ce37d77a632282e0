"""Files whose columns ask for a decision, and deciding about them as a person."""

from typing import Any

from ingestion import mappings, selectors, work
from ingestion.mappings import Proposal
from ingestion.models import ImportBatch
from ingestion.tables.letters import Decision
from tests.factories import Film, acting, import_data, role
from tests.ingestion.books import table

PAYROLL = (
    "Worker Name", "Position/Title", "Work Date", "Earnings Type", "GROSS PAY",
    "Department or Cost Code", "Payroll Run Date",
)  # fmt: skip


def payroll(rows: int = 2, gross: str = "GROSS PAY", first: int = 0) -> bytes:
    """A payroll log of seven columns whose gross wages have another name."""
    header = ",".join(PAYROLL).replace("GROSS PAY", gross)
    return table(
        header,
        [f"Worker {n},Grip,2026-01-1{n % 7},REG,{n + 1}00.00,3301,2026-01-20"
         for n in range(first, first + rows)],
    )  # fmt: skip


def waiting(film: Film, data: bytes, source: str = "wrapbook-payroll", **asked: Any) -> ImportBatch:
    """An import that has stopped for its mapping."""
    batch = import_data(film, data, source=source, **asked)
    assert batch.state == "mapping_needed", (batch.state, batch.reason)
    return batch


def proposal(batch: ImportBatch, number: int = 0, **said: str) -> Proposal:
    """A choice for each header named, spaces as underscores; nothing for the others."""
    header = batch.shape["header"]
    places = {header.index(name.replace("_", " ")): choice for name, choice in said.items()}
    return Proposal(places, {}, number)


def accept(film: Film, batch: ImportBatch, asked: Proposal, person: str = "amir") -> Decision:
    """Accept what is proposed, as the web does: the worker has yet to carry it out."""
    with role("web"), acting(film, person):
        return mappings.accept_mapping(
            actor=film.cast[person], batch=batch, proposal=asked, header=batch.shape["header"],
            reason="the vendor renamed it",
        )  # fmt: skip


def carry_out(film: Film, decision: Decision) -> ImportBatch:
    """Let the worker do what was decided; the import as it ended."""
    with role("worker"):
        with acting(film, "amir"):
            item = selectors.work_of("decision", [decision.pk]).get()
        work.drain(only=item.pk)
        with acting(film, "amir"):
            found = selectors.import_by_id(film.production, decision.batch_id)
    assert found is not None
    return found
