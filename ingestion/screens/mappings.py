"""What the mapping wizard and the registry show, ready for their templates."""

from collections.abc import Iterable
from collections.abc import Mapping as Words
from decimal import Decimal
from typing import Any

from django.urls import reverse

from access.models import Production
from ingestion import dry_runs, mappings, selectors
from ingestion.layouts import rules
from ingestion.layouts.mapping import (
    DELIMITERS,
    ColumnRead,
    Mapping,
    header_key,
    lacking,
    read_header,
)
from ingestion.layouts.rules import DATE_FORMATS, FRINGES, IGNORE, SIGNS, Rules
from ingestion.layouts.sources import REGISTRY, VERSIONS
from ingestion.layouts.suggesting import suggest
from ingestion.models import ImportBatch, ImportState
from ingestion.reading import mapping_named, newest_mapping
from ingestion.screens.desk import CAUSE_WORDS, format_held, label_of
from ingestion.screens.imports import ENCODINGS, import_view, in_words, moment, source_choices
from ingestion.tables.mappings import DriftEntry, DryRun, MappingVersion

SURE = 0.8
ENTRIES_SHOWN = 200
STATUS = {
    "usual": "Same",
    "ignored": "Left out",
    "blank": "No name",
    "new": "New",
    "money": "New, holds money",
}
CHANGES = {"renamed": "Renamed", "moved": "Moved", "new": "New", "missing": "Missing"}
VERDICTS = {
    "resolved": "Resolved by itself",
    "unread": "Passed over",
    "stopped": "Stopped the file",
    "mapped": "Read as",
    "ignored": "Left out",
}
Sent = Words[str, str]


def wizard_view(batch: ImportBatch, shape: dict[str, Any], sent: Sent) -> dict[str, Any]:
    """The wizard for one import: its columns, what each may be, and what came of the last try."""
    production = batch.production
    newest = newest_mapping(production, batch.source)
    tried = selectors.dry_runs(batch).first()
    chosen = _tried_choices(tried, batch, shape["header"]) if tried and not sent else {}
    columns = read_header(newest, shape["header"])
    versions = list(selectors.mapping_versions(production, batch.source))[::-1]
    number = versions[-1].number if versions else 0
    absent = lacking(newest, shape["header"])
    rows = list(_columns(newest, columns, shape, {**chosen, **sent}, versions))
    return {
        "batch": import_view(batch),
        "waits": batch.state == ImportState.MAPPING_NEEDED,
        "columns": rows,
        "missing": [label_of(name) for name in absent],
        "number": number,
        "mapping": newest.name,
        "next": f"{newest.name.partition('+')[0]}+{number + 1}",
        "reads_already": not mappings.refusal_of(newest, shape["header"]),
        "normal": normal_fields(newest, sent, shape),
        "effect": effect_view(tried) if tried else None,
        "reason": sent.get("reason", ""),
    }


def _tried_choices(tried: DryRun, batch: ImportBatch, header: list[str]) -> dict[str, str]:
    """What was chosen for the last dry run, so that accepting it is one press."""
    base = mapping_named(batch.production, tried.base)
    mapping = rules.applied(base, rules.read(tried.rules), 0)
    chosen = {
        f"column-{i}": c.field or (IGNORE if c.known == "ignored" else "")
        for i, c in enumerate(read_header(mapping, header))
    }
    kept = rules.read(tried.rules)
    for name in ("encoding", "decimal", "sign", "fringes", "zone"):
        chosen[name] = getattr(kept, name) or ""
    chosen["delimiter"] = kept.delimiter or ""
    chosen["date_format"] = (kept.date_formats or ("",))[0]
    return chosen


def _columns(
    mapping: Mapping,
    columns: list[ColumnRead],
    shape: dict[str, Any],
    chosen: Sent,
    versions: list[MappingVersion],
) -> Iterable[dict[str, Any]]:
    taken = {c.field for c in columns if c.field}
    samples = shape.get("samples") or [[] for _ in columns]
    seen = _first_seen(versions)
    usual = {c.field: c.headers[0] for c in mapping.columns if c.headers}
    absent = {c.field for c in mapping.columns if c.required} - taken
    for place, column in enumerate(columns):
        is_open = column.known in {"new", "money"}
        found = suggest(column.header, mapping, taken, samples[place]) if is_open else None
        default = column.field or (IGNORE if column.known == "ignored" else "")
        # Chosen beforehand only where the file cannot go on without a choice.
        if found and found.score >= SURE and found.field in absent:
            default = found.field
            taken.add(found.field)
        choice = chosen.get(f"column-{place}", default)
        renamed = column.known == "alias" and usual.get(column.field) != column.header
        yield {
            "name": f"column-{place}",
            "header": column.header or f"(column {place + 1})",
            "choices": _choices(mapping, choice, is_open=is_open),
            "seen": seen.get(header_key(column.header))
            or ("" if is_open or column.known == "blank" else "built in"),
            "samples": samples[place],
            "status": f"New name of {usual[column.field]}"
            if renamed and column.field in usual
            else STATUS.get(column.known, "Same"),
            "is_open": is_open,
            "is_blank": column.known == "blank",
            "why": "" if found is None else f"{label_of(found.field)}: {found.why}",
        }


def _choices(mapping: Mapping, choice: str, *, is_open: bool) -> list[dict[str, Any]]:
    said = [("", "Decide later" if is_open else "As it is")] if is_open else []
    said.append((IGNORE, "Leave it out"))
    said += [(name, label_of(name)) for name in rules.mappable_fields(mapping)]
    return [{"value": v, "label": label, "selected": v == choice} for v, label in said]


def _first_seen(versions: list[MappingVersion]) -> dict[str, str]:
    """Header key -> the version that first knew it."""
    seen: dict[str, str] = {}
    for version in versions:
        kept = rules.read(version.rules)
        for header in [*(h for h, _ in kept.headers), *kept.ignored]:
            seen.setdefault(header_key(header), str(version))
    return seen


def normal_fields(
    mapping: Mapping, sent: Sent, shape: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """How the source writes: a select for each rule, the first choice being what holds now."""
    looked = shape or {}
    marks = {sign: name for name, sign in DELIMITERS.items()}
    encoding = mapping.encoding or looked.get("encoding", "") or "as the file says"
    delimiter = mapping.delimiter or looked.get("delimiter", "")
    dates = " or ".join(map(in_words, mapping.date_formats))
    asked: list[tuple[str, str, str, list[tuple[str, str]]]] = [
        ("encoding", "Encoding", encoding, [(e, e.upper()) for e in ENCODINGS]),
        ("delimiter", "Columns apart by", marks.get(delimiter, "as the file shows"),
         [(sign, name) for name, sign in DELIMITERS.items()]),
        ("decimal", "Decimal mark", mapping.amounts.decimal, [(".", "."), (",", ",")]),
        ("date_format", "Dates", dates, [(f, in_words(f)) for f in DATE_FORMATS]),
        ("sign", "Signs", SIGNS[mapping.is_negated], [(s, s) for s in SIGNS]),
    ]  # fmt: skip
    if mapping.reads_fringes:
        now = FRINGES[mapping.fringes_with_pay]
        asked.append(("fringes", "Fringes", now, [(f, f) for f in FRINGES]))
    return [
        {
            "name": name,
            "label": label,
            "choices": [{"value": "", "label": f"{now} (as now)", "selected": False}]
            + [
                {"value": value, "label": shown, "selected": sent.get(name, "") == value}
                for value, shown in choices
            ],
        }
        for name, label, now, choices in asked
    ]


def normal_of(sent: Sent) -> dict[str, Any]:
    """What a form says of the source's way of writing, as the rules take it."""
    said: dict[str, Any] = {
        name: sent.get(name, "")
        for name in ("encoding", "delimiter", "decimal", "sign", "fringes", "zone")
    }
    form = sent.get("date_format", "")
    return {**said, "date_formats": [form] if form else ""}


def effect_view(tried: DryRun) -> dict[str, Any]:
    """What the last dry run counted, or how far it is."""
    return {
        "is_running": tried.finished_at is None,
        "rows": tried.rows,
        "posted": tried.posted,
        "duplicate": tried.duplicate,
        "quarantined": tried.quarantined,
        "totals": [f"{format_held(Decimal(t), c)} {c}" for c, t in tried.totals],
        "causes": [
            {
                "label": CAUSE_WORDS.get(code, "Held"),
                "field": "" if name == "row" else label_of(name),
                "found": "" if name == "row" else found,
                "rows": count,
            }
            for code, name, found, count in tried.causes
        ],
        "bound": 0 if tried.is_whole else dry_runs.MOST_ROWS,
        "reason": tried.reason,
        "by": str(tried.made_by),
        "at": moment(tried.made_at),
    }


def registry_view(production: Production, sent: Sent) -> dict[str, Any]:
    """Every source's versions with what each changed, and the drift log."""
    entries = list(selectors.drift_entries(production)[:ENTRIES_SHOWN])
    newest = {source: newest_mapping(production, source) for source in REGISTRY}
    chosen = sent.get("source", "")
    return {
        "sources": [_source(production, mapping) for mapping in newest.values()],
        "entries": [_entry(production, e, newest) for e in entries],
        "choices": source_choices(chosen),
        "normal": [
            {**f, "choices": [{**f["choices"][0], "label": "As it is"}, *f["choices"][1:]]}
            for f in normal_fields(next(iter(newest.values())), sent)
        ],
        "zone": sent.get("zone", ""),
        "reason": sent.get("reason", ""),
    }


def _source(production: Production, mapping: Mapping) -> dict[str, Any]:
    kept = list(selectors.mapping_versions(production, mapping.source))
    before = [*kept[1:], None][: len(kept)]
    decided = [
        {
            "name": str(version),
            "by": str(version.accepted_by),
            "at": moment(version.accepted_at),
            "reason": version.reason,
            "changes": rules.differences(
                Rules() if last is None else rules.read(last.rules), rules.read(version.rules)
            ),
        }
        for version, last in zip(kept, before, strict=True)
    ]
    return {
        "label": mapping.label,
        "name": mapping.name,
        "decided": decided,
        "built_in": ", ".join(m.name for m in VERSIONS if m.source == mapping.source),
        "reads": "; ".join(reads_as(mapping)),
    }


def reads_as(mapping: Mapping) -> list[str]:
    """How a version reads, made explicit: nothing of it is inferred from a file."""
    amounts = mapping.amounts
    return [
        f"decimal mark {amounts.decimal}",
        f"thousands {amounts.thousands or 'without a mark'}",
        f"dates {' or '.join(map(in_words, mapping.date_formats))}",
        f"signs {SIGNS[mapping.is_negated]}",
        *([f"fringes {FRINGES[mapping.fringes_with_pay]}"] if mapping.reads_fringes else []),
        f"times without an offset in {mapping.zone}" if mapping.zone else "times with their offset",
        f"encoding {mapping.encoding.upper()}" if mapping.encoding else "encoding as the file says",
    ]


def _entry(
    production: Production, entry: DriftEntry, newest: Words[str, Mapping]
) -> dict[str, Any]:
    batch = entry.batch
    is_new = (entry.verdict, entry.change) == ("unread", "new")
    is_open = is_new and entry.source in newest
    as_field = label_of(entry.field) if entry.field else ""
    came = VERDICTS[entry.verdict]
    if entry.change == "missing":
        came = f"{came}: no {as_field}" if entry.verdict == "stopped" else f"Without {as_field}"
    elif as_field:
        came = f"{came} {as_field}" if entry.verdict == "mapped" else f"{came}, as {as_field}"
    return {
        "at": moment(entry.at),
        "source": REGISTRY[entry.source].label if entry.source in REGISTRY else entry.source,
        "source_key": entry.source,
        "header": entry.header,
        "change": CHANGES[entry.change] + (f", was {entry.was}" if entry.was else ""),
        "verdict": came,
        "by": "" if entry.decided_by is None else str(entry.decided_by),
        "mapping": entry.mapping,
        "rows": None if batch is None else batch.rows,
        "file_name": "" if batch is None else batch.file_name,
        "url": "" if batch is None else reverse("import_detail", args=[production.code, batch.pk]),
        "undecided": is_open and bool(mappings.undecided(newest[entry.source], [entry.header])),
    }
