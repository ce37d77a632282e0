"""What is typed into the audit explorer's box, read word by word. Pure."""

import re
from dataclasses import dataclass, field
from datetime import date

_HASH = re.compile(r"[0-9a-f]{6,64}", re.ASCII)
_ACTION = re.compile(r"[a-z][a-z.]{0,23}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
KEYS = ("actor", "action", "object", "from", "to")


@dataclass(frozen=True, slots=True)
class Thing:
    """Records that can be asked for: their table, and the column people name one by.

    `kind` is what the table's column of that name says; `prefix` what people write before the
    number. Without a column one is asked for by its id.
    """

    table: str
    field: str = "id"
    kind: str = ""
    prefix: str = ""


_PAPERS = ("advance", "envelope", "invoice", "journal", "payment", "reimbursement", "return")
THINGS = {
    "attachment": Thing("ledger_attachment", "name"),
    "bank-account": Thing("ledger_bankaccount", "name"),
    "bank-identifier": Thing("ledger_bankidentifier", "written"),
    "bank-statement": Thing("ledger_bankstatement", "number"),
    "budget": Thing("budgets_budgetversion", "number", prefix="v"),
    "change": Thing("budgets_budgetchange", "number", prefix="bc-"),
    "commitment": Thing("ledger_commitment", "reference"),
    "crossing": Thing("budgets_refusedcrossing"),
    "decision": Thing("ingestion_decision"),
    "efc": Thing("budgets_efcentry", "number", prefix="ve-"),
    "feed": Thing("ingestion_feed", "name"),
    "fund": Thing("purchasing_fund", "custodian"),
    "limit": Thing("ingestion_threshold", "source"),
    "mapping": Thing("ingestion_mappingversion", "source"),
    "order": Thing("purchasing_purchaseorder", "number"),
    "order-line": Thing("purchasing_orderline"),
    "query": Thing("readlog_read"),
    "question": Thing("ingestion_question"),
    "rates": Thing("ledger_ratesheet", "published_on"),
    "segment": Thing("ledger_segment", "code"),
    "settlement": Thing("purchasing_settlement"),
    "tax-number": Thing("purchasing_vendortaxnumber"),
    "vendor": Thing("purchasing_vendor", "name"),
    "view": Thing("readlog_viewing"),
    "webhook": Thing("ingestion_alerthook", "url"),
    **{paper: Thing("purchasing_entry", "number", kind=paper) for paper in _PAPERS},
}
# What batches post, and the nodes of the cost tree: how one of them is written.
POSTED = {
    "batch": (re.compile(r"[0-9]{1,18}", re.ASCII), "12"),
    "document": (re.compile(r"[0-9]{1,18}-[0-9]{1,9}", re.ASCII), "12-4"),
    "posting": (re.compile(r"[0-9]{1,18}/[0-9]{1,9}", re.ASCII), "12/3"),
}
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(slots=True)
class Query:
    """A hash to look for, or filters over the entries; and what could not be read."""

    prefix: str = ""
    filters: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def thing(self) -> tuple[str, str]:
        """What is asked for as object: its word, and which one of it, or nothing for all."""
        word, _, which = self.filters.get("object", "").partition(" ")
        word, thing = word.lower(), THINGS.get(word.lower())
        if thing is not None and thing.prefix:
            which = which.lower().removeprefix(thing.prefix).lstrip("0")
        return word, which


def parse(text: str) -> Query:
    """Read `actor:` `action:` `object:` `from:` `to:` and the start of a hash, in any order.

    An object takes the words after it up to the next filter: names have spaces.
    """
    query = Query()
    takes_words = False
    for word in text.split()[:20]:
        key, colon, value = word.partition(":")
        if takes_words and not (colon and key in KEYS):
            query.filters["object"] += f" {word}"
            continue
        takes_words = False
        if not colon:
            _take_hash(query, word)
        elif key not in KEYS:
            query.problems.append(f"{key}: expected one of {', '.join(KEYS)}")
        elif problem := _fault(key, value):
            query.problems.append(f"{key}: expected {problem}, found {value!r}")
        else:
            query.filters[key] = value
            takes_words = key == "object"
    if problem := _which_fault(query):
        query.problems.append(f"object: expected {problem}")
    if query.prefix and query.filters:
        query.problems.append("a hash is looked for by itself: leave the filters out")
    return query


def _take_hash(query: Query, word: str) -> None:
    lowered = word.lower()
    if not _HASH.fullmatch(lowered):
        query.problems.append(
            f"hash: expected 6 to 64 digits 0-9 a-f, found {word[:80]!r}; "
            "names, records and days are asked for as actor:, action:, object:, from:, to:"
        )
    elif query.prefix:
        query.problems.append("hash: expected one, found two")
    else:
        query.prefix = lowered


def _fault(key: str, value: str) -> str:
    """What was expected, or nothing when it is right."""
    if key in {"from", "to"}:
        return "" if _is_day(value) else "a day such as 2026-01-31"
    if key == "action":
        return "" if _ACTION.fullmatch(value) else "an action such as post or period.close"
    if key == "object":
        known = (*THINGS, *POSTED, "node")
        return "" if value.lower() in known else f"one of {', '.join(sorted(known))}"
    return "" if value and "\0" not in value else "a part of a name or an address"


def _which_fault(query: Query) -> str:
    """What was expected of which one of an object, or nothing when it is right."""
    word, which = query.thing
    thing = THINGS.get(word)
    if not which:
        return ""
    if word in POSTED:
        form, example = POSTED[word]
        return "" if form.fullmatch(which) else f"{word} {example}, found {which[:40]!r}"
    if thing is not None and (thing.prefix or thing.field == "id") and not _ID.fullmatch(which):
        return f"{word} {thing.prefix.upper()}7, found {which[:40]!r}"
    return ""


def _is_day(value: str) -> bool:
    if not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def document_key(text: str) -> tuple[int, int] | None:
    """`12-4` as (batch, number); None for anything else."""
    pattern, _ = POSTED["document"]
    if not pattern.fullmatch(text):
        return None
    batch, _, number = text.partition("-")
    return int(batch), int(number)
