"""Putting together what reads one import: its mapping, the production's words, its accounts."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from access import context
from access.errors import Invalid
from access.models import Production
from ingestion import selectors
from ingestion.ahead import HEARTBEAT_SECONDS
from ingestion.formats.csv_file import MAX_FILE_BYTES
from ingestion.formats.records import Dialect, Reading, RejectedFile
from ingestion.gate.bank_reading import open_bank_file, unknown_table
from ingestion.gate.drafting import Drafter
from ingestion.gate.identity import Identities
from ingestion.gate.pipeline import FileReader, MappingNeeded, open_import, renamed_header
from ingestion.gate.schema import Gate
from ingestion.layouts import rules
from ingestion.layouts.mapping import FIELDS, SEGMENT_FIELDS, Mapping, Resolution, declared
from ingestion.layouts.sources import BY_NAME, REGISTRY, VERSIONS
from ingestion.layouts.vocabulary import Vocabulary
from ingestion.models import ImportBatch
from ledger import selectors as ledger
from ledger.payees import pay_key
from ledger.rates import rate_book
from ledger.segments import KINDS
from taxonomy import selectors as taxonomy

WITH_SPANS = frozenset({"csv", "json", "iif"})


def mapping_for(production: Production, source: str, choices: dict[str, str]) -> Mapping:
    """The mapping a new file of this source is read with, with what was declared of the file.

    It is the newest the chart can take: a production that was opened before an account was part
    of every chart cannot be given it any more, and is read as it was until then.
    """
    if source not in REGISTRY:
        raise Invalid(f"source: expected one of {', '.join(REGISTRY)}, found {source!r}")
    unreadable = [name for name, value in choices.items() if not value.isprintable()]
    if unreadable:
        raise Invalid(f"{unreadable[0]}: expected visible characters only")
    newest = newest_mapping(production, source)
    try:
        mapping = _declared(newest, choices)
        Dialect(mapping.encoding, mapping.delimiter)  # raises for what separates no columns
        return mapping
    except ValueError as error:
        raise Invalid(f"decimal mark, or separator: {error}") from None


def newest_mapping(production: Production, source: str) -> Mapping:
    """The newest version the chart can take, with all that was decided of the source here."""
    newest = REGISTRY[source]
    if newest.version > 1:
        played = {a.clearing_role for a in ledger.accounts(production)}
        takes = [m for m in VERSIONS if m.source == source and m.roles <= played]
        newest = takes[-1] if takes else newest
    decided = selectors.newest_version(production, source)
    if decided is None:
        return newest
    return rules.applied(newest, rules.read(decided.rules), decided.number)


def mapping_named(production: Production, name: str) -> Mapping:
    """The version of this name: a built-in one, or one with what was decided here."""
    base, _, number = name.partition("+")
    mapping = BY_NAME[base]
    if not number:
        return mapping
    decided = selectors.mapping_version(production, mapping.source, int(number))
    assert decided is not None, f"{name} is named by an import, and kept for good"
    return rules.applied(mapping, rules.read(decided.rules), decided.number)


def mapping_of_import(batch: ImportBatch, name: str = "") -> Mapping:
    """The version that reads this import, from its first row to its last held row: the one that
    was the newest when it was received, or the one a person decided on (`name`)."""
    return _declared(mapping_named(batch.production, name or batch.mapping), batch.declared)


def older_version(mapping: Mapping) -> list[str]:
    """What the import's notes say when it was not read with its source's newest version."""
    newest = REGISTRY[mapping.source]
    needed = ", ".join(sorted(newest.roles)).replace("_", " ")
    if mapping.version == newest.version:
        return []
    built_in = replace(mapping, addition=0).name
    return [f"read with {built_in}; {newest.name} posts to accounts for {needed}"]


def _declared(mapping: Mapping, choices: dict[str, str]) -> Mapping:
    return declared(
        mapping,
        encoding=choices.get("encoding"),
        delimiter=choices.get("delimiter"),
        decimal=choices.get("decimal"),
        date_format=choices.get("date_format"),
        shape=choices.get("shape"),
    )


def declared_of(batch: ImportBatch, mapping: Mapping) -> Mapping:
    """A mapping with what was declared of the import's file when it was handed in."""
    return _declared(mapping, batch.declared)


def stored_pieces(
    batch: ImportBatch, beat: Callable[[], None], user_id: int | None = None
) -> Iterator[bytes]:
    """The import's bytes, for whoever handed it in, or for `user_id`. Each piece is read in a
    transaction of its own, so that reading a large file never holds one open, and `beat` is
    called while the reading goes on."""
    number = 0
    asking = user_id or batch.created_by_id
    last_beat = time.monotonic()
    while True:
        with context.acting(user_id=asking, production_id=batch.production_id):
            data = ledger.piece(batch.document, number)
        if data is None:
            return
        yield data
        number += 1
        if time.monotonic() - last_beat > HEARTBEAT_SECONDS:
            beat()
            last_beat = time.monotonic()


def gate_and_drafter(batch: ImportBatch, mapping: Mapping) -> tuple[Gate, Drafter]:
    """The gate and the drafter for this production, inside its context.

    Raises RejectedFile when the chart lacks the clearing account the source needs.
    """
    production = batch.production
    words = selectors.vocabulary(batch)
    accounts = list(ledger.accounts(production))
    playing = {a.clearing_role: a.pk for a in reversed(accounts) if a.clearing_role}
    lacking = sorted(mapping.roles - playing.keys())
    if lacking:
        role = lacking[0].replace("_", " ")
        raise RejectedFile(
            "E_CHART", f"the chart has no {role} account; add one and import the file again"
        )
    named = list(taxonomy.cost_centers(production))
    centers = {c.pk: c.name for c in named}
    lines = {
        centers[a.cost_center_id]: a.line
        for a in reversed(accounts)
        if a.cost_center_id in centers and a.line
    }
    drafter = Drafter(
        mapping=mapping,
        currency=production.currency,
        clearing_account_id=playing[mapping.clearing_role],
        nodes=taxonomy.leaf_nodes(production),
        codes_by_id={a.pk: a.code for a in accounts},
        department_lines=lines,
        department_by_center=centers,
        departments_by_code={c.code: c.name for c in named},
        rates=rate_book(production),
        withholding_account_id=playing.get(mapping.withholding_role),
    )
    return Gate(mapping, words, mapping.fields), drafter


def uncoded(resolution: Resolution, words: Vocabulary) -> list[str]:
    """What the import's notes say of columns of segments the production has no code of."""
    places = dict(zip(FIELDS, resolution.places, strict=True))
    unread = [
        KINDS[kind]
        for name, kind in SEGMENT_FIELDS.items()
        if places[name] is not None and kind not in words.segments
    ]
    if not unread:
        return []
    return [f"not read, for the production has no codes of it: {', '.join(unread)}"]


def opened(
    batch: ImportBatch, mapping: Mapping, pieces: Callable[[], Iterable[bytes]]
) -> tuple[Reading, Resolution]:
    """The file opened as its source. Raises MappingNeeded where only a decision about its columns
    is missing, and RejectedFile for every other fault."""
    if mapping.feed:
        return _opened_bank_file(batch, mapping, pieces), Resolution((None,) * len(FIELDS), ())
    try:
        return open_import(batch.file_name, pieces(), mapping)
    except MappingNeeded:
        raise
    except RejectedFile as rejection:
        if rejection.code != "E_HEADER":
            raise
        needed = renamed_header(batch.file_name, pieces(), mapping)
        raise (needed or rejection) from None


def _opened_bank_file(
    batch: ImportBatch, mapping: Mapping, pieces: Callable[[], Iterable[bytes]]
) -> Reading:
    """A bank's file, proven to its end; its table's columns may need a decision."""
    try:
        return open_bank_file(batch.file_name, pieces(), mapping, batch.declared.get("date_format"))
    except MappingNeeded:
        raise
    except RejectedFile as rejection:
        if rejection.code != "E_HEADER" or mapping.feed == "file":
            raise
        needed = unknown_table(batch.file_name, pieces(), mapping, REGISTRY.values())
        raise (needed or rejection) from None


def open_reader(batch: ImportBatch, pieces: Callable[[], Iterable[bytes]]) -> FileReader:
    """Open the import's file and everything its rows go through. Raises RejectedFile."""
    with context.acting(user_id=batch.created_by_id, production_id=batch.production_id):
        mapping = mapping_of_import(batch)
    reading, resolution = opened(batch, mapping, pieces)
    with context.acting(user_id=batch.created_by_id, production_id=batch.production_id):
        return reader_of(batch, mapping, reading, resolution)


def reader_of(
    batch: ImportBatch, mapping: Mapping, reading: Reading, resolution: Resolution
) -> FileReader:
    """Everything an opened file's rows go through, inside the production's context."""
    gate, drafter = gate_and_drafter(batch, mapping)
    reading.notes += uncoded(resolution, gate.words)
    return FileReader(
        mapping,
        gate,
        identities_of(batch.production, mapping),
        drafter,
        reading,
        resolution,
        has_spans=reading.format in {"csv", "json", "iif"}
        and not batch.file_name.lower().endswith(".gz"),
        earlier_conflicts=selectors.conflicting_rows(batch) if batch.rows else frozenset(),
    )


def identities_of(production: Production, mapping: Mapping) -> Identities:
    """What tells a file's documents apart: keyed where they say what people are paid."""
    return Identities(mapping, pay_key(production) if mapping.is_payroll else b"")


def may_fail_late(
    batch: ImportBatch, reading: Reading, mapping: Mapping, most_rows: int, pieces: Iterable[bytes]
) -> bool:
    """Whether a record beyond the first chunk can still reject the file or pass its limit. Plain
    CSV without a quote mark and without a line as long as a piece cannot be rejected: only an open
    quote, an endless line or a broken transcoding shows so late. Its rows are its line ends."""
    if reading.format != "csv" or mapping.encoding:
        return True
    if batch.document.byte_size > MAX_FILE_BYTES:
        return True
    ends = 0
    for number, piece in enumerate(pieces):
        is_coded = piece[:4].startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0", b"\x1f\x8b"))
        if number == 0 and is_coded:
            return True
        found = max(piece.count(b"\n"), piece.count(b"\r"))
        if b'"' in piece or not found:
            return True
        ends += found
    return ends > most_rows and not batch.past_limit
