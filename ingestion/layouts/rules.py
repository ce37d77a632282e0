"""What a production's people have decided of a source's files, on top of its built-in version.

A set of rules is whole: it holds all that was decided so far, so that one version is read without
the versions before it. Pure.
"""

import codecs
import re
from collections.abc import Iterable
from collections.abc import Mapping as Words
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from ingestion.layouts.mapping import (
    ALL_FIELDS,
    DELIMITERS,
    Column,
    Mapping,
    fingerprint,
    header_key,
    read_header,
)

IGNORE: Final = "ignore"
# Fields that may be read besides those the built-in version has: text that says more of a cost.
GENERAL: Final = (
    "cost_center", "currency", "description", "unit", "jurisdiction", "union_guild", "occupation",
    "department_code",
)  # fmt: skip
# A vendor's word is put right only where the gate knows what words there are.
WORD_FIELDS: Final = ("account_code", "cost_center", "currency", "unit")
DATE_FORMATS: Final = (
    "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d",
    "%Y%m%d",
)  # fmt: skip
DECIMALS: Final = (".", ",")
SIGNS: Final = ("as written", "reversed")
# Employer taxes and benefits are posted to the category's fringe account, or where the pay is.
FRINGES: Final = ("on the fringe account", "with the pay")
MOST_RULES = 2_000
_SHAPE = re.compile(r"%[Ymdy]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
Layout = tuple[str, tuple[tuple[str, str], ...]]


class RuleError(ValueError):
    """A rule that cannot be: what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that was decided of a source so far. None: as the built-in version has it."""

    headers: tuple[tuple[str, str], ...] = ()  # header, field
    ignored: tuple[str, ...] = ()
    layouts: tuple[Layout, ...] = ()
    words: tuple[tuple[str, str, str], ...] = ()  # field, as written, as meant
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    date_formats: tuple[str, ...] | None = None
    sign: str | None = None
    fringes: str | None = None
    zone: str | None = None


def written(rules: Rules) -> dict[str, Any]:
    """The rules as they are kept: JSON without what was left as it is."""
    kept = {f.name: getattr(rules, f.name) for f in fields(rules)}
    return {name: value for name, value in kept.items() if value not in (None, ())}


def read(kept: Words[str, Any]) -> Rules:
    """The rules that were kept."""
    return Rules(**{name: _frozen(value) for name, value in kept.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def mappable_fields(mapping: Mapping) -> list[str]:
    """The fields a person may say a column of this source means."""
    own = {column.field for column in mapping.columns}
    if mapping.feed:
        return [column.field for column in mapping.columns]
    return [name for name in ALL_FIELDS if name in own or (own and name in GENERAL)]


def applied(mapping: Mapping, rules: Rules, number: int) -> Mapping:
    """The mapping as it reads files by these rules."""
    decided = {header_key(h) for h, _ in rules.headers} | {header_key(h) for h in rules.ignored}
    columns = [
        replace(c, headers=tuple(h for h in c.headers if header_key(h) not in decided))
        for c in mapping.columns
    ]
    for header, name in rules.headers:
        at = next((i for i, c in enumerate(columns) if c.field == name), None)
        if at is None:
            columns.append(Column(name, (header,)))
        else:
            columns[at] = replace(columns[at], headers=(*columns[at].headers, header))
    ignored = [h for h in mapping.ignored if header_key(h) not in decided]
    required = {c.field for c in mapping.columns if c.required}
    amounts = mapping.amounts
    if rules.decimal and rules.decimal != amounts.decimal:
        other = "." if rules.decimal == "," else ","
        amounts = replace(amounts, decimal=rules.decimal, thousands=other)
    return replace(
        mapping,
        addition=number,
        columns=tuple(columns),
        ignored=(*ignored, *rules.ignored),
        layouts=rules.layouts,
        words=rules.words,
        added=tuple(dict.fromkeys(n for _, n in rules.headers if n not in required)),
        encoding=rules.encoding or mapping.encoding,
        delimiter=rules.delimiter or mapping.delimiter,
        amounts=amounts,
        date_formats=rules.date_formats or mapping.date_formats,
        fringes_with_pay=rules.fringes == FRINGES[1] if rules.fringes else mapping.fringes_with_pay,
        is_negated=rules.sign == SIGNS[1] if rules.sign else mapping.is_negated,
        zone=rules.zone or mapping.zone,
    )


def with_columns(
    rules: Rules, mapping: Mapping, header: list[str], choices: Words[int, str]
) -> Rules:
    """The rules with what a person said of this header's columns: a field, `ignore`, or ''.

    What is said of a header nobody knew holds for every file to come. What is said against the
    meaning a header has holds for files with exactly these columns. '' decides nothing.
    """
    may_be = {*mappable_fields(mapping), IGNORE, ""}
    headers, ignored = list(rules.headers), list(rules.ignored)
    here: dict[str, str] = {}
    for position, (cell, name, known) in enumerate(read_header(mapping, header)):
        choice = choices.get(position, "")
        if choice not in may_be:
            raise RuleError(f"column {cell!r}: expected a field, found {choice!r}")
        if not choice or choice == (name or (IGNORE if known == "ignored" else "")):
            continue
        if known == "blank":
            raise RuleError(f"column {position + 1} has no name; give it one in the file")
        if known not in {"new", "money"}:
            here[header_key(cell)] = "" if choice == IGNORE else choice
        elif choice == IGNORE:
            ignored.append(cell.strip())
        else:
            headers.append((cell.strip(), choice))
    layouts = dict(rules.layouts)
    if here:
        print_ = fingerprint(header)
        layouts[print_] = tuple(({**dict(layouts.get(print_, ())), **here}).items())
    return checked(
        replace(
            rules, headers=tuple(headers), ignored=tuple(ignored), layouts=tuple(layouts.items())
        )
    )


def with_word(rules: Rules, field: str, found: str, meant: str) -> Rules:
    """The rules with one vendor's word put right: US$ means USD."""
    if field not in WORD_FIELDS:
        raise RuleError(f"words of {field}: expected one of {', '.join(WORD_FIELDS)}")
    found, meant = found.strip(" "), meant.strip(" ")
    if not found or not meant or found == meant:
        raise RuleError(f"{field}: expected the word as written, and another that is meant by it")
    kept = tuple(word for word in rules.words if word[:2] != (field, found))
    return checked(replace(rules, words=(*kept, (field, found, meant))))


def with_ignored(rules: Rules, header: str) -> Rules:
    """The rules with one more header that is not read, by decision."""
    if not header_key(header):
        raise RuleError("header: expected a column's name")
    if header_key(header) in {header_key(h) for h, _ in rules.headers}:
        raise RuleError(f"{header!r} is read, by an earlier decision")
    return checked(replace(rules, ignored=(*rules.ignored, header.strip())))


def with_normal(rules: Rules, **said: Any) -> Rules:
    """The rules with the source's own way of writing made explicit; '' leaves a rule as it is."""
    kept = {name: _frozen(value) for name, value in said.items() if value}
    return checked(replace(rules, **kept))


def checked(rules: Rules) -> Rules:
    """The same rules. Raises RuleError for what no file could be read by."""
    texts = [*(t for pair in rules.headers for t in pair), *rules.ignored,
             *(t for word in rules.words for t in word)]  # fmt: skip
    if any(_UNSTORABLE.search(t) or len(t) > 200 for t in texts):
        raise RuleError("a name or word holds invisible characters or is longer than 200")
    if len(texts) > MOST_RULES:
        raise RuleError(f"at most {MOST_RULES:,} names and words are kept of one source")
    _check_writing(rules)
    return rules


def _check_writing(rules: Rules) -> None:
    if rules.encoding:
        try:
            codecs.lookup(rules.encoding)
        except (LookupError, ValueError):
            raise RuleError(f"encoding: {rules.encoding!r} is none that is known") from None
    if rules.delimiter not in {None, *DELIMITERS.values()}:
        known = ", ".join(DELIMITERS)
        raise RuleError(f"columns apart by: expected {known}, found {rules.delimiter!r}")
    if rules.decimal not in {None, *DECIMALS}:
        raise RuleError(f"decimal mark: expected . or , and found {rules.decimal!r}")
    if rules.sign not in {None, *SIGNS}:
        raise RuleError(f"sign: expected {' or '.join(SIGNS)}, found {rules.sign!r}")
    if rules.fringes not in {None, *FRINGES}:
        raise RuleError(f"fringes: expected {' or '.join(FRINGES)}, found {rules.fringes!r}")
    shapes = [_SHAPE.sub("?", form) for form in rules.date_formats or ()]
    if any(form not in DATE_FORMATS for form in rules.date_formats or ()):
        raise RuleError(f"date form: expected one of {', '.join(DATE_FORMATS)}")
    if len(set(shapes)) != len(shapes):
        raise RuleError("date forms: two of them could not be told apart; choose one")
    if rules.zone:
        try:
            ZoneInfo(rules.zone)
        except (ValueError, OSError, KeyError):
            raise RuleError(f"time zone: {rules.zone!r} is none that is known") from None


def differences(before: Rules, after: Rules) -> list[str]:
    """What a version says that the one before it did not, a sentence each."""
    said = [f"column {h!r} is read as {name}" for h, name in _more(before.headers, after.headers)]
    said += [f"column {h!r} is left out" for h in _more(before.ignored, after.ignored)]
    for print_, columns in _more(before.layouts, after.layouts):
        said += [
            f"in files with the columns {print_[:8]}: {key} is "
            + (f"read as {name}" if name else "left out")
            for key, name in columns
        ]
    said += [
        f"{f} {found!r} means {meant!r}" for f, found, meant in _more(before.words, after.words)
    ]
    for name in ("encoding", "delimiter", "decimal", "date_formats", "sign", "fringes", "zone"):
        was, now = getattr(before, name), getattr(after, name)
        if now != was:
            said.append(f"{name.replace('_', ' ')} {_shown(now)} (was {_shown(was)})")
    return said


def _more(before: Iterable[Any], after: Iterable[Any]) -> list[Any]:
    known = set(before)
    return [item for item in after if item not in known]


def _shown(value: object) -> str:
    if value is None:
        return "as built in"
    return ", ".join(value) if isinstance(value, tuple) else repr(value)
