"""The audit explorer: what begins with a hash, the entries of the logs, and one entry."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from access.models import Production
from ledger import lookup
from ledger.lookup import Entry, EntryFilter, Found
from ledger.payees import known_payees, shown
from ledger.selectors import Standing, standings
from reports import queries, records

MOST_DOCUMENTS = 50
# As many as fit a line of the list; an entry's own page has them all.
MOST_CHANGES = 3


def explorer_view(production: Production, text: str, before: str) -> dict[str, Any]:
    """The page of a question: what was found by its hash, else the entries its filters leave."""
    asked = queries.parse(text)
    view: dict[str, Any] = {"q": text, "problems": asked.problems, "badges": badges(production)}
    if asked.problems:
        return view
    if asked.prefix:
        found = lookup.found_by_hash(asked.prefix)
        return {
            **view,
            "prefix": asked.prefix,
            "found": [_found_view(production, f) for f in found],
        }
    page = lookup.entries(_filter(asked, before))
    shown = page[: lookup.PAGE_ENTRIES]
    if len(page) > len(shown):
        following = urlencode({"q": text, "before": shown[-1].at})
        view["next_url"] = f"{reverse('audit', args=[production.code])}?{following}"
    told = _told(production, shown)
    return {**view, "entries": [_entry_row(production, entry, told) for entry in shown]}


def _filter(asked: queries.Query, before: str) -> EntryFilter:
    common = EntryFilter(
        actor=asked.filters.get("actor", ""),
        action=asked.filters.get("action", ""),
        first_day=asked.filters.get("from", ""),
        last_day=asked.filters.get("to", ""),
        before=before,
    )
    word, which = asked.thing
    if word in queries.POSTED:
        batch, _, number = which.replace("/", "-").partition("-")
        return replace(
            common, kind="post", batch_id=int(batch) if batch else None,
            document=int(number) if word == "document" and number else None,
            posting=int(number) if word == "posting" and number else None,
        )  # fmt: skip
    if word == "node":
        said = f'"code":{json.dumps(which, ensure_ascii=False)}'
        return replace(common, kind="node", says=(said,) if which else ())
    if word:
        thing = queries.THINGS[word]
        says = {"table": thing.table, "kind": thing.kind, thing.field: which}
        texts = tuple(lookup.row_says(column, value) for column, value in says.items() if value)
        return replace(common, kind="row", says=texts)
    return common


@dataclass(frozen=True, slots=True)
class _Told:
    """What the entries of a page tell of records: each state, the one before it, and names."""

    states: dict[tuple[str, int], tuple[records.State, records.State | None]]
    names: records.Names


def _told(production: Production, entries: Collection[Entry]) -> _Told:
    here = {
        (entry.unit, entry.seq): state
        for entry in entries
        if entry.action == "row" and (state := records.state_of(entry.line))
    }
    if not here:
        return _Told({}, {})
    last: dict[tuple[str, str], records.State] = {}
    states = {}
    for unit, seq, line in lookup.states_of({state.key for state in here.values()}):
        state = records.state_of(line)
        if state is None:  # a line that was altered: what came before it is still said
            continue
        if (unit, seq) in here:
            states[unit, seq] = state, last.get(state.key)
        last[state.key] = state
    every = [state for pair in states.values() for state in pair if state]
    return _Told(states, records.names(production, every))


def badges(production: Production) -> list[dict[str, Any]]:
    """How far each unit's log was signed and verified."""
    return [_badge(standing) for standing in standings(production) if standing.size]


def _badge(standing: Standing) -> dict[str, Any]:
    return {
        "unit": standing.unit.code,
        "size": standing.size,
        "verified": standing.verified,
        "is_altered": standing.alteration is not None,
        "signed": standing.signed,
    }


def _entry_url(production: Production, unit: str, seq: int | None) -> str:
    return "" if seq is None else reverse("audit_entry", args=[production.code, unit, seq])


def _found_view(production: Production, found: Found) -> dict[str, Any]:
    entry_url = _entry_url(production, found.unit, found.seq)
    url = entry_url
    if found.number is not None:
        url = reverse("transaction", args=[production.code, f"{found.batch_id}-{found.number}"])
    return {
        "kind": found.kind,
        "hash": found.hash.hex(),
        "url": url,
        "entry": "" if found.seq is None else f"{found.unit}#{found.seq}",
        "entry_url": entry_url,
        "document": "" if found.number is None else f"{found.batch_id}-{found.number}",
    }


def _entry_row(production: Production, entry: Entry, told: _Told) -> dict[str, Any]:
    state, before = told.states.get((entry.unit, entry.seq), (None, None))
    changes = records.changes(state, before, told.names) if state else []
    return {
        "name": f"{entry.unit}#{entry.seq}",
        "url": _entry_url(production, entry.unit, entry.seq),
        "at": entry.at.replace("T", " ")[:19],
        "actor": entry.actor,
        "action": entry.action,
        "batch": entry.batch_id,
        "object": _object(entry, state, told),
        "is_first": state is not None and before is None,
        "changes": changes,
        "first_changes": changes[:MOST_CHANGES],
        "more_changes": max(len(changes) - MOST_CHANGES, 0),
        "digest8": entry.leaf.hex()[:8],
    }


def _object(entry: Entry, state: records.State | None, told: _Told) -> str:
    if state is not None:
        return records.name_of(state, told.names)
    return "" if entry.batch_id is None else f"batch {entry.batch_id}"


def entry_view(production: Production, unit: str, seq: int) -> dict[str, Any] | None:
    """One entry with its neighbours, or None where the asker may see no such entry."""
    near = {entry.seq: entry for entry in lookup.entries_near(production, unit, seq)}
    entry = near.get(seq)
    if entry is None:
        return None
    told = _told(production, near.values())
    documents = []
    if entry.batch_id is not None:
        documents = lookup.documents_of(production, entry.batch_id, MOST_DOCUMENTS)
    known = known_payees(production, [d.vendor for d in documents])
    return {
        **_entry_row(production, entry, told),
        "unit": unit,
        "seq": seq,
        "leaf": entry.leaf.hex(),
        "line": entry.line,
        "is_as_hashed": entry.is_as_hashed,
        "badge": next((_badge(s) for s in standings(production) if s.unit.code == unit), None),
        "is_signed": _is_under(production, unit, seq),
        "neighbours": [
            _entry_row(production, near[n], told) for n in (seq - 1, seq + 1) if n in near
        ],
        "documents": [
            {
                "url": reverse("transaction", args=[production.code, f"{d.batch_id}-{d.number}"]),
                "reference": d.reference,
                "vendor": shown(known, d.vendor, "")[0],
            }
            for d in documents
        ],
    }


def _is_under(production: Production, unit: str, seq: int) -> bool:
    """Whether a checkpoint stands over the entry."""
    return any(
        s.checkpoint is not None and s.checkpoint.size > seq
        for s in standings(production)
        if s.unit.code == unit
    )
