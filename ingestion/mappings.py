"""The mapping registry: what people decide of a source's columns, version after version."""

from collections.abc import Mapping as Words
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.db import connection
from django.utils import timezone

from access import context
from access.errors import Invalid, Refused
from access.models import Production, User
from access.selectors import actions_on
from ingestion import letters, selectors, waiting
from ingestion.formats.records import Reading, RejectedFile
from ingestion.gate.bank_csv import table_places
from ingestion.gate.pipeline import MappingNeeded
from ingestion.layouts import rules
from ingestion.layouts.drift import Drift, drift
from ingestion.layouts.mapping import (
    HeaderRefused,
    Mapping,
    fingerprint,
    header_key,
    lacking,
    read_header,
    resolve_header,
)
from ingestion.layouts.rules import RuleError, Rules
from ingestion.layouts.sources import REGISTRY
from ingestion.models import ImportBatch, ImportState
from ingestion.reading import (
    declared_of,
    mapping_for,
    mapping_named,
    newest_mapping,
    opened,
    stored_pieces,
)
from ingestion.tables.letters import Decision
from ingestion.tables.mappings import DriftEntry, MappingVersion

SAMPLES = 5
SAMPLE_RECORDS = 200
LONGEST_CELL = 200
TURN_CLASS = 0x6D6170  # "map": the class of the locks under which versions get their numbers


class TakenOver(Exception):
    """Another worker has moved this import on: this one stops, nothing is done twice."""


class MayNotDecide(Refused):
    """The person may not import on this production, and so decides nothing of its files."""

    code = "may_not_decide"
    status = 403


class Decided(Refused):
    """Somebody else has decided meanwhile."""

    code = "decided"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person would have the import read by: a choice for each column, by its place, and
    the source's way of writing. `number` is the newest version they saw."""

    choices: Words[int, str]
    normal: Words[str, Any]
    number: int = 0


def shape_of(reading: Reading, samples: int = 0) -> dict[str, Any]:
    """What is kept of how a file looked: its columns, and how its text was read."""
    shape: dict[str, Any] = {
        "format": reading.format,
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "header": [_cell(text) for text in reading.header],
    }
    if samples:
        columns: list[dict[str, None]] = [{} for _ in reading.header]
        for record in islice(reading, SAMPLE_RECORDS):
            for values, text in zip(columns, record.fields or (), strict=False):
                if text.strip() and len(values) < samples:
                    values[_cell(text)] = None
        shape["samples"] = [list(values) for values in columns]
    return shape


def _cell(text: str) -> str:
    """A cell as the database and a page can hold it."""
    shown = text[:LONGEST_CELL].encode("utf-8", "replace").decode()
    return shown.replace("\0", "\ufffd")


def looked_at(*, actor: User, batch: ImportBatch, encoding: str, delimiter: str) -> dict[str, Any]:
    """The columns and samples of a waiting import when its text is read in another way. Only its
    beginning is read. Raises Invalid where it has no header then."""
    try:
        said = rules.with_normal(Rules(), encoding=encoding, delimiter=delimiter)
        newest = newest_mapping(batch.production, batch.source)
        mapping = declared_of(
            batch,
            replace(
                newest,
                encoding=said.encoding or newest.encoding,
                delimiter=said.delimiter or newest.delimiter,
            ),
        )
        reading, _ = opened(
            batch, mapping, lambda: stored_pieces(batch, lambda: None, user_id=actor.pk)
        )
        if mapping.feed:
            # It is read as it stands: its columns are those it waits with.
            return {**batch.shape, "encoding": reading.encoding, "delimiter": reading.delimiter}
    except MappingNeeded as needed:
        reading = needed.reading
    except (RejectedFile, RuleError, ValueError) as fault:
        raise Invalid(getattr(fault, "reason", str(fault))) from None
    return shape_of(reading, SAMPLES)


def wait_for_mapping(batch: ImportBatch, needed: MappingNeeded) -> None:
    """The import waits for a person, with its columns and samples; nothing of it is posted.

    Raises TakenOver when somebody has moved it on, or has decided, meanwhile.
    """
    shape = shape_of(needed.reading, SAMPLES)
    with context.acting(user_id=batch.created_by_id, production_id=batch.production_id):
        moved = ImportBatch.objects.filter(
            pk=batch.pk, rows=0, mapping=batch.mapping, state=ImportState.CHECKING
        ).update(
            state=ImportState.MAPPING_NEEDED,
            code="E_HEADER",
            reason=needed.reason,
            shape=shape,
            heartbeat_at=timezone.now(),
        )
        if moved != 1:
            raise TakenOver(f"import {batch.pk} has been moved on by another worker")
        mapping = mapping_named(batch.production, batch.mapping)
        log_drift(batch, mapping, shape["header"], stopped=True)


def log_drift(
    batch: ImportBatch, mapping: Mapping, header: list[str], *, stopped: bool = False
) -> None:
    """Write down which columns are not as in the source's last file, and whether the import has
    stopped for them."""
    if mapping.is_positional or not header:
        return
    columns = read_header(mapping, header)
    money = {c.header for c in columns if c.known == "money"}
    absent = {c.field for c in mapping.columns if c.required} - {c.field for c in columns}
    said = set(selectors.drift_of(batch).values_list("header", "change"))
    found = drift(mapping, header, selectors.last_header(batch))
    DriftEntry.objects.bulk_create(
        DriftEntry(
            production_id=batch.production_id,
            batch=batch,
            source=batch.source,
            mapping=batch.mapping,
            header=each.column[:LONGEST_CELL],
            change=each.change,
            field=each.field,
            was=each.was[:LONGEST_CELL],
            verdict=_came_of(each, money, absent, stopped=stopped),
        )
        for each in found
        # What was said while it waited is not said again; what is still undecided is.
        if each.change == "new" or (each.column[:LONGEST_CELL], each.change) not in said
    )


def _came_of(each: Drift, money: set[str], absent: set[str], *, stopped: bool) -> str:
    """What came of a column that is not as before: where the money is unknown, that stopped the
    file; else, where a required field has no column, any unknown one may be it."""
    if each.change == "missing":
        return "stopped" if stopped and each.field in absent else "unread"
    if each.change != "new":
        return "resolved"
    is_cause = each.column in money or (not money and bool(absent))
    return "stopped" if stopped and is_cause else "unread"


def proposed(
    production: Production, batch: ImportBatch, proposal: Proposal, header: list[str]
) -> tuple[Mapping, Rules]:
    """The mapping the proposal would make, and its rules. Raises Invalid for one no file could be
    read by; whether it reads this header is `refusal_of`'s to say."""
    newest = newest_mapping(production, batch.source)
    decided = selectors.newest_version(production, batch.source)
    before = Rules() if decided is None else rules.read(decided.rules)
    try:
        after = rules.with_normal(before, **proposal.normal)
        after = rules.with_columns(after, newest, header, proposal.choices)
        base = mapping_named(production, newest.name.partition("+")[0])
        number = 0 if decided is None else decided.number
        return rules.applied(base, after, number + (after != before)), after
    except (RuleError, ValueError) as error:
        raise Invalid(str(error)) from None


def refusal_of(mapping: Mapping, header: list[str]) -> str:
    """Why the mapping cannot read a file with this header; '' when it can."""
    absent = lacking(mapping, header)
    if absent:
        return f"no column is read as {', '.join(absent)}: choose one for each, then accept"
    try:
        if mapping.feed:
            table_places(header, mapping)
        else:
            resolve_header(mapping, header)
    except HeaderRefused as refusal:
        return str(refusal)
    return ""


def accept_mapping(
    *, actor: User, batch: ImportBatch, proposal: Proposal, header: list[str], reason: str
) -> Decision:
    """Make what was proposed the source's next version, and send the waiting import on.

    Exactly one of two who accept at once does so; the other is told. Where nothing new was
    proposed, because the newest version reads the file already, no version is made. Raises
    Invalid, Decided or MayNotDecide.
    """
    production = batch.production
    must_decide(actor, production)
    _take_turn(production)
    newest = selectors.newest_version(production, batch.source)
    if proposal.number != (0 if newest is None else newest.number):
        raise Decided(
            f"{newest} was accepted by {newest and newest.accepted_by} meanwhile; look at what "
            "it reads, and decide the rest"
        )
    mapping, after = proposed(production, batch, proposal, header)
    refusal = refusal_of(mapping, header)
    if refusal:
        raise Invalid(refusal)
    if newest is None or mapping.addition != newest.number:
        _no_fact_is_added(batch, mapping, newest)
    _send_on(batch, mapping.name)
    if mapping.addition and (newest is None or mapping.addition != newest.number):
        made = _keep(actor, production, mapping, after, batch, reason, fingerprint(header))
        before = Rules() if newest is None else rules.read(newest.rules)
        _log_decisions(actor, made, mapping, header, before)
    return letters.record(actor, "read", reason.strip(), None, batch)


def _no_fact_is_added(batch: ImportBatch, mapping: Mapping, newest: MappingVersion | None) -> None:
    """Rows of a source without document numbers are known by all they state: a column that was
    passed over in a posted file cannot be read later, or a re-export would post its rows again."""
    if mapping.identity:
        return
    before = set() if newest is None else {h for h, _ in rules.read(newest.rules).headers}
    names = [h for c in mapping.columns for h in c.headers if c.field in mapping.added]
    past = selectors.read_past(
        batch.production, batch.source, [name for name in names if name not in before]
    )
    if past:
        raise Invalid(
            f"column {past[0]!r} stood unread in a file of this source that has posted; rows of "
            "this source are known by all they state, and would post again. Leave it out"
        )


def add_rule(
    *, actor: User, production: Production, source: str, rule: Words[str, Any], reason: str
) -> MappingVersion:
    """Make a version with one more rule: the desk's `US$ means USD`, or a column left out.

    `rule` is {"kind": "word", "field", "found", "meant"}, {"kind": "ignore", "header"}, or
    {"kind": "normal", ...} with any of encoding, delimiter, decimal, date_formats, sign, fringes,
    zone. Files received from now on are read by it; a held row is, when its revision names it.
    Raises Invalid where the rule cannot be, or says nothing new.
    """
    must_decide(actor, production)
    if source not in REGISTRY:
        raise Invalid(f"source: expected one of {', '.join(REGISTRY)}, found {source[:40]!r}")
    if not reason.strip():
        raise Invalid("reason: say why; it stays on record")
    _take_turn(production)
    newest = newest_mapping(production, source)
    decided = selectors.newest_version(production, source)
    before = Rules() if decided is None else rules.read(decided.rules)
    said = dict(rule)
    kind = said.pop("kind", "")
    try:
        if kind == "word":
            after = rules.with_word(before, said["field"], said["found"], said["meant"])
        elif kind == "ignore":
            after = rules.with_ignored(before, said["header"])
        elif kind == "normal":
            after = rules.with_normal(before, **said)
        else:
            raise Invalid(f"rule: expected word, ignore or normal, found {kind!r}")
        base = mapping_named(production, newest.name.partition("+")[0])
        mapping = rules.applied(base, after, 1 + (0 if decided is None else decided.number))
    except (RuleError, ValueError) as error:
        raise Invalid(str(error)) from None
    if after == before or (kind == "ignore" and _is_known(newest, said["header"])):
        raise Invalid(f"{newest.name} says so already")
    made = _keep(actor, production, mapping, after, None, reason, "")
    if kind == "ignore":
        _log(actor, made, said["header"], "ignored", "")
    return made


def _is_known(mapping: Mapping, header: str) -> bool:
    (column,) = read_header(replace(mapping, layouts=()), [header])
    return column.known not in {"new", "money"}


def must_decide(actor: User, production: Production) -> None:
    """Raises MayNotDecide unless the person may import here."""
    if "import_files" not in actions_on(actor, production):
        raise MayNotDecide(f"{actor} may not decide how files are read here")


def _take_turn(production: Production) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [TURN_CLASS, production.pk])


def _send_on(batch: ImportBatch, mapping: str) -> None:
    waits = ImportBatch.objects.filter(pk=batch.pk, state=ImportState.MAPPING_NEEDED)
    if waits.update(state=ImportState.RECEIVED, mapping=mapping, code="", reason="") != 1:
        last = waiting.decisions_on(batch).last()
        who = f" by {last.made_by}" if last else ""
        raise Decided(f"import {batch.pk} does not wait any more: it was decided{who}")


def _keep(
    actor: User,
    production: Production,
    mapping: Mapping,
    decided: Rules,
    batch: ImportBatch | None,
    reason: str,
    print_: str,
) -> MappingVersion:
    return MappingVersion.objects.create(
        production=production,
        source=mapping.source,
        number=mapping.addition,
        base=replace(mapping, addition=0).name,
        rules=rules.written(decided),
        fingerprint=print_,
        batch=batch,
        reason=reason.strip(),
        accepted_by=actor,
    )


def _log_decisions(
    actor: User, made: MappingVersion, mapping: Mapping, header: list[str], before: Rules
) -> None:
    """Write down of each column that was decided what it is from now on."""
    base = mapping_named(made.production, made.base)
    was = read_header(rules.applied(base, before, 0), header)
    for earlier, now in zip(was, read_header(mapping, header), strict=True):
        if (earlier.field, earlier.known) != (now.field, now.known) and now.known != "blank":
            _log(actor, made, now.header, "mapped" if now.field else "ignored", now.field)


def _log(actor: User, made: MappingVersion, column: str, verdict: str, field: str) -> None:
    DriftEntry.objects.create(
        production=made.production,
        batch=made.batch,
        source=made.source,
        mapping=str(made),
        header=column[:LONGEST_CELL],
        change="new",
        field=field,
        verdict=verdict,
        decided_by=actor,
    )


def undecided(mapping: Mapping, columns: list[str]) -> set[str]:
    """Which of these columns nobody has decided about, by the newest mapping."""
    known = {c.header: c.known for c in read_header(replace(mapping, layouts=()), columns)}
    return {header for header, what in known.items() if what in {"new", "money"}}


def same_header(one: str, other: str) -> bool:
    """Whether two spellings are one header."""
    return header_key(one) == header_key(other)


def read_by_newest(batch: ImportBatch) -> bool:
    """Whether what was decided of another file, while this one waited, lets this one in too."""
    with context.acting(user_id=batch.created_by_id, production_id=batch.production_id):
        newest = mapping_for(batch.production, batch.source, batch.declared)
    if newest.name == batch.mapping:
        return False
    try:
        opened(batch, newest, lambda: stored_pieces(batch, lambda: None))
    except RejectedFile:
        return False
    with context.acting(user_id=batch.created_by_id, production_id=batch.production_id):
        moved = ImportBatch.objects.filter(
            pk=batch.pk, rows=0, mapping=batch.mapping, state=ImportState.CHECKING
        ).update(mapping=newest.name)
    if moved != 1:
        raise TakenOver(f"import {batch.pk} is read by another version already")
    batch.mapping = newest.name
    return True
