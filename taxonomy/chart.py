"""A production's chart of accounts, read from CSV and checked before anything is posted to it.

Reading reports every problem at once, each with the line an editor shows, what was expected,
what was found and what to do; a chart with a problem is not loaded.
"""

import csv
import io
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from taxonomy.classify import LINES

COLUMNS = (
    "account",
    "parent",
    "name",
    "level",
    "line",
    "department",
    "kind",
    "normal_side",
    "statement",
)
LEVELS = ("category", "detail")
KINDS = ("labour", "rental", "purchase", "fee", "travel", "other", "fringe")
NORMAL_SIDES = ("debit", "credit")
STATEMENTS = ("cost", "balance sheet")
LONGEST_ACCOUNT = 16  # what the accounting systems we exchange files with can hold
LONGEST_NAME = 120
LONGEST_DEPARTMENT = 80

# The account each standard posting goes through: its number in the standard chart, and the words
# other charts name it by. Every word of one of the phrases must occur. All are balance-sheet
# accounts but the realised exchange difference, which is a cost of the film.
_ROLE_NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "bank": ("0100", ("production bank", "operating bank", "cash in bank", "bank account")),
    "petty_cash": ("0150", ("petty cash", "cash float")),
    "card_clearing": (
        "0160",
        ("purchase card", "purchasing card", "p card", "pcard", "card clearing", "credit card"),
    ),
    "payables": ("0300", ("accounts payable", "trade payable", "trade creditors")),
    "payroll_clearing": ("0310", ("payroll clearing",)),
    "payroll_withholding": (
        "0312",
        (
            "payroll deductions",
            "payroll withholding",
            "payroll withholdings",
            "deductions withheld",
        ),
    ),
    "payroll_fringes": ("0315", ("fringes payable", "payroll taxes payable", "fringe payable")),
    "fx_unrealised": ("0500", ("unrealised foreign exchange", "unrealized foreign exchange")),
    "fx_rounding": ("0510", ("currency rounding",)),
    "fx_realised": ("7015", ("foreign exchange realised", "foreign exchange realized")),
    "journal_clearing": ("0900", ("opening conversion", "journal clearing", "conversion clearing")),
    "book_control": ("0950", ("commitment budget forecast control", "book control")),
}
ROLES = tuple(_ROLE_NAMES)
COST_ROLE = "fx_realised"
# Departments everyone on set already abbreviates.
_TRADE_CODES = {"visual effects": "VFX", "special effects": "SFX", "makeup and hair": "MUH"}
_STANDARD_CHART = Path(__file__).parent / "charts" / "standard.csv"


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One account of a chart, as written; `line_number` is where it stands in its file."""

    account: str
    parent: str
    name: str
    level: str
    line: str
    department: str
    kind: str
    normal_side: str
    statement: str
    line_number: int = field(default=0, compare=False)

    @property
    def is_detail(self) -> bool:
        """Whether costs are posted to it; categories only add up."""
        return self.level == "detail"

    @property
    def is_balance_sheet(self) -> bool:
        return self.statement == "balance sheet"


@dataclass(frozen=True, slots=True)
class ChartProblem:
    """One fault of a chart: where, what was expected, what was found, what to do."""

    line_number: int
    column: str
    expected: str
    found: str
    fix: str

    def __str__(self) -> str:
        return (
            f"Line {self.line_number}, {self.column}: expected {self.expected}, "
            f"found {self.found[:60]!r}. {self.fix}"
        )


@dataclass(frozen=True, slots=True)
class AccountFormat:
    """How a production's account codes look: N a digit, A a capital letter, X either.

    Any other character stands for itself: NNNN-NN-NN, NNN-NN, AN-NN.
    """

    pattern: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.pattern) <= LONGEST_ACCOUNT:
            raise ValueError(
                f"An account format has 1 to {LONGEST_ACCOUNT} characters, not {len(self.pattern)}."
            )
        if not self.pattern.isascii() or not self.pattern.isprintable() or " " in self.pattern:
            raise ValueError(
                f"{self.pattern!r} is not an account format: write N for a digit, A for a letter, "
                "X for either, and dashes or points as they are; no spaces."
            )
        if not set(self.pattern) & set("NAX"):
            raise ValueError(f"{self.pattern!r} leaves no place for a digit (N) or a letter (A).")

    def matches(self, code: str) -> bool:
        """Whether the code is written exactly so, in plain ASCII."""
        return _format_regex(self.pattern).fullmatch(code) is not None


@dataclass(frozen=True, slots=True)
class ChartReading:
    """What a chart file holds; rows may be loaded only if there are no problems."""

    rows: list[ChartRow]
    problems: list[ChartProblem]


def read_chart(text: str, account_format: AccountFormat | None = None) -> ChartReading:
    """Read and check a chart; without a format, codes need only be plain and short enough."""
    rows, problems = _read_rows(text)
    problems += check_chart(rows, account_format)
    return ChartReading(rows, sorted(problems, key=lambda problem: problem.line_number))


def check_chart(
    rows: Sequence[ChartRow], account_format: AccountFormat | None = None
) -> list[ChartProblem]:
    """Every problem of the rows, in the order of the file."""
    problems: list[ChartProblem] = []
    by_account = {row.account: row for row in reversed(rows)}
    parents = {row.parent for row in rows if row.parent}
    for row in rows:
        problems += _vocabulary_problems(row)
        problems += _tree_problems(row, by_account, parents)
        problems += _code_problems(row, by_account[row.account], account_format)
    return problems


def infer_account_format(rows: Iterable[ChartRow]) -> AccountFormat | None:
    """The one format all detail accounts share, or None if they share none."""
    codes = [row.account for row in rows if row.is_detail and not is_built_in(row)]
    if not codes or len({len(code) for code in codes}) > 1:
        return None
    marks = [_common_mark(set(column)) for column in zip(*codes, strict=True)]
    pattern = "".join(marks)
    if "" in marks or not 1 <= len(pattern) <= LONGEST_ACCOUNT or not set(pattern) & set("NAX"):
        return None
    return AccountFormat(pattern)


def standard_chart() -> list[ChartRow]:
    """The house's own chart: classic four-digit numbers, own wording."""
    return list(_standard_rows())


def clearing_roles(rows: Iterable[ChartRow]) -> dict[str, str]:
    """Which account plays each standard role; a role nobody plays is left out.

    The name decides first, because a number means nothing outside the chart it stands in; the
    standard chart's number on a balance-sheet account decides if no name does. Of the costs only
    the realised exchange difference is looked for, and only by its name.
    """
    accounts = [
        row
        for row in rows
        if row.is_detail and (row.is_balance_sheet or _role_named(row.name) == COST_ROLE)
    ]
    roles: dict[str, str] = {}
    named = {row.account: _role_named(row.name) for row in accounts}
    for role, (number, _) in _ROLE_NAMES.items():
        by_name = [code for code, its_role in named.items() if its_role == role]
        by_number = [
            code for code in (number, _set_apart(number)) if named.get(code, "none") in ("", role)
        ]
        both = [code for code in by_name if code in by_number]
        if found := both or by_name or by_number:
            roles[role] = found[0]
    return roles


def missing_roles(rows: Sequence[ChartRow]) -> list[ChartRow]:
    """The built-in accounts to add so that every standard role is played.

    They keep the standard chart's numbers and are exempt from the account format. Where the
    chart uses such a number for something else, the built-in account is set apart as BS-0300.
    """
    played = clearing_roles(rows)
    taken = {row.account for row in rows}
    standard = {row.account: row for row in _standard_rows()}
    added = []
    for role, (number, _) in _ROLE_NAMES.items():
        if role in played:
            continue
        row = standard[number]
        code = _set_apart(number) if number in taken else number
        added.append(replace(row, account=code, parent="", department="", line_number=0))
    return added


def is_built_in(row: ChartRow) -> bool:
    """Whether the row is one of the house's own accounts, which no account format binds."""
    if row.is_balance_sheet:
        return row.account in _built_in_codes()
    number = _ROLE_NAMES[COST_ROLE][0]
    is_its_code = row.account in (number, _set_apart(number))
    return row.is_detail and is_its_code and _role_named(row.name) == COST_ROLE


def department_lines(rows: Iterable[ChartRow]) -> dict[str, str]:
    """The line of each department, from the first row that names it, in chart order."""
    lines: dict[str, str] = {}
    for row in rows:
        if row.department and row.line:
            lines.setdefault(row.department, row.line)
    return lines


def department_codes(departments: Iterable[str]) -> dict[str, str]:
    """A short cost-centre code for each department, never two alike.

    Given out in chart order, so a department added at the end changes no code before it:
    Camera CAM, Construction CON, then Contingency CNT.
    """
    codes: dict[str, str] = {}
    taken: set[str] = set()
    for department in departments:
        if department not in codes:
            code = next(code for code in _code_candidates(department) if code not in taken)
            codes[department] = code
            taken.add(code)
    return codes


def _code_candidates(department: str) -> Iterator[str]:
    """Codes a person would recognise the department by, best first, then numbered ones."""
    if known := _TRADE_CODES.get(department.casefold()):
        yield known
    # Décor is DEC: accents are taken off their letters, not read as gaps between words.
    spelled = unicodedata.normalize("NFKD", department).upper()
    spelled = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    words = [word for word in re.findall(r"[A-Z]+", spelled) if word not in ("AND", "OF", "THE")]
    letters = "".join(words)
    if len(words) == 2:  # Post sound PSO, Post lab PLA
        yield f"{words[0][0]}{words[1]}"[:3]
    elif len(words) > 2:
        yield "".join(word[0] for word in words[:3])
    stem = letters[:3] if len(letters) > 1 else "DEP"
    yield stem
    consonants = [letter for letter in letters[1:] if letter not in "AEIOU"]
    for rest in (consonants, letters[1:]):
        for pair in itertools.combinations(rest, 2):
            yield letters[0] + "".join(pair)
    for number in range(2, 1000):
        yield f"{stem}{number}"
    for number in itertools.count():
        yield f"D{number:05d}"


def _read_rows(text: str) -> tuple[list[ChartRow], list[ChartProblem]]:
    records = list(_records(text.removeprefix("\ufeff")))
    if not records:
        return [], [
            ChartProblem(1, "file", "a chart of accounts", "", "The file is empty: choose another.")
        ]
    header_line, header, header_fault = records[0]
    names = [name.casefold().replace(" ", "_") for name in header]
    problems = _header_problems(header_line, names)
    if header_fault or problems:
        return [], header_fault or problems
    rows: list[ChartRow] = []
    for line_number, cells, fault in records[1:]:
        problems += fault
        if fault:
            continue
        if len(cells) != len(names):
            found = f"{len(cells)} cells"
            fix = "Add or remove commas, or put quotes around a name that has a comma."
            problems.append(
                ChartProblem(line_number, "row", f"{len(names)} cells", found, fix),
            )
            continue
        rows.append(
            ChartRow(**dict(zip(names, cells, strict=True)), line_number=line_number),
        )
    if not rows and not problems:
        fix = "Add the accounts below the header."
        problems.append(ChartProblem(header_line, "file", "at least one account", "", fix))
    return rows, problems


def _records(text: str) -> Iterator[tuple[int, list[str], list[ChartProblem]]]:
    """Each record that is not blank, with the line it begins on as an editor counts."""
    # newline="" keeps line ends inside quotes, and splits at CR and LF only.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line_number = reader.line_num + 1
        try:
            cells = [cell.strip(" ") for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            # After a broken quote nothing can be trusted to be where it seems.
            fix = "Close the quotes, or double a quote that belongs to a name."
            yield (
                line_number,
                [],
                [ChartProblem(line_number, "row", "cells that can be told apart", str(error), fix)],
            )
            return
        if any(cells):
            yield line_number, cells, []


def _header_problems(line_number: int, names: list[str]) -> list[ChartProblem]:
    problems = []
    for name, times in Counter(names).items():
        if name not in COLUMNS:
            fix = f"Remove the column, or name it one of: {', '.join(COLUMNS)}."
            problems.append(ChartProblem(line_number, "header", "a known column", name, fix))
        elif times > 1:
            fix = "Keep one of them."
            problems.append(ChartProblem(line_number, "header", f"one {name}", str(times), fix))
    for name in COLUMNS:
        if name not in names:
            fix = f"Add the column {name}; the cells may be empty where it does not apply."
            problems.append(ChartProblem(line_number, "header", f"the column {name}", "", fix))
    return problems


def _vocabulary_problems(row: ChartRow) -> Iterator[ChartProblem]:
    """Empty cells that may not be, and words outside the chart's vocabulary."""
    if not row.name:
        fix = "Give the account a name."
        yield ChartProblem(row.line_number, "name", "a name", "", fix)
    for column, text, longest in (
        ("name", row.name, LONGEST_NAME),
        ("department", row.department, LONGEST_DEPARTMENT),
    ):
        if len(text) > longest or not text.isprintable():
            expected = f"at most {longest} visible characters on one line"
            fix = "Type it again, shorter and without line breaks or hidden characters."
            yield ChartProblem(row.line_number, column, expected, text, fix)
    vocabulary = (
        ("level", row.level, LEVELS),
        ("normal_side", row.normal_side, NORMAL_SIDES),
        ("statement", row.statement, STATEMENTS),
    )
    for column, word, words in vocabulary:
        if word not in words:
            yield _word_problem(row, column, word, words)
    if row.kind and row.kind not in KINDS:
        yield _word_problem(row, "kind", row.kind, KINDS)
    if row.is_balance_sheet and row.line:
        fix = "Leave the line empty: only costs are above or below the line."
        yield ChartProblem(row.line_number, "line", "nothing", row.line, fix)
    if row.statement == "cost" and row.line not in LINES:
        yield _word_problem(row, "line", row.line, LINES)
    is_detail_cost = row.statement == "cost" and row.is_detail
    if is_detail_cost and not row.department and not is_built_in(row):
        fix = "Name the department that answers for the account: it is its cost centre."
        yield ChartProblem(row.line_number, "department", "a department", "", fix)


def _word_problem(row: ChartRow, column: str, found: str, words: Sequence[str]) -> ChartProblem:
    meant = [word for word in words if word.casefold() == found.casefold()]
    fix = f"Write {meant[0]}." if meant else f"Write one of: {', '.join(words)}."
    return ChartProblem(row.line_number, column, " or ".join(words), found, fix)


def _tree_problems(
    row: ChartRow, by_account: dict[str, ChartRow], parents: set[str]
) -> Iterator[ChartProblem]:
    number = row.line_number
    if row.is_detail and row.account in parents:
        fix = "Make it a category, or move the accounts beneath it to another parent."
        found = "a detail account"
        yield ChartProblem(number, "level", "a category, as it has accounts beneath", found, fix)
    if not row.parent:
        return
    if row.parent not in by_account:
        fix = f"Add the category {row.parent}, or correct the parent."
        yield ChartProblem(number, "parent", "an account of this chart", row.parent, fix)
    elif _is_own_ancestor(row, by_account):
        fix = "Correct the parents: no account may lie beneath itself."
        yield ChartProblem(number, "parent", "a category above the account", row.parent, fix)


def _is_own_ancestor(row: ChartRow, by_account: dict[str, ChartRow]) -> bool:
    passed: set[str] = set()
    above = row.parent
    while above in by_account and above not in passed:
        if above == row.account:
            return True
        passed.add(above)
        above = by_account[above].parent
    return False


def _code_problems(
    row: ChartRow, first: ChartRow, account_format: AccountFormat | None
) -> Iterator[ChartProblem]:
    number = row.line_number
    if not row.account:
        yield ChartProblem(number, "account", "an account code", "", "Give the account a code.")
        return
    if first is not row:
        fix = f"It stands on line {first.line_number} already: give this one another code."
        yield ChartProblem(number, "account", "a code used once", row.account, fix)
    if not row.account.isascii() or not row.account.isprintable() or " " in row.account:
        fix = "Type the code again with plain letters, digits and dashes."
        yield ChartProblem(number, "account", "plain characters", row.account, fix)
    elif len(row.account) > LONGEST_ACCOUNT:
        fix = "Shorten the code."
        expected = f"at most {LONGEST_ACCOUNT} characters"
        yield ChartProblem(number, "account", expected, row.account, fix)
    elif not account_format or not row.is_detail or is_built_in(row):
        return
    elif not account_format.matches(row.account):
        fix = "Correct the code, or change the production's account format."
        yield ChartProblem(number, "account", account_format.pattern, row.account, fix)


def _common_mark(characters: set[str]) -> str:
    """N, A, X or the literal that stands for all the characters; empty if nothing does."""
    digits = all(character in "0123456789" for character in characters)
    letters = all("A" <= character <= "Z" for character in characters)
    if digits or letters:
        return "N" if digits else "A"
    if all(character in "0123456789" or "A" <= character <= "Z" for character in characters):
        return "X"
    literal = characters.pop() if len(characters) == 1 else ""
    return literal if literal.isascii() and literal.isprintable() and literal != " " else ""


def _role_named(name: str) -> str:
    """The role whose phrases an account's name holds, or an empty text."""
    words = set(re.findall(r"[a-z0-9]+", name.casefold()))
    for role, (_, phrases) in _ROLE_NAMES.items():
        if any(set(phrase.split()) <= words for phrase in phrases):
            return role
    return ""


def _set_apart(number: str) -> str:
    return f"BS-{number}"


@cache
def _format_regex(pattern: str) -> re.Pattern[str]:
    places = {"N": "[0-9]", "A": "[A-Z]", "X": "[0-9A-Z]"}
    return re.compile("".join(places.get(mark, re.escape(mark)) for mark in pattern), re.ASCII)


@cache
def _standard_rows() -> tuple[ChartRow, ...]:
    reading = read_chart(_STANDARD_CHART.read_text(encoding="utf-8"))
    assert not reading.problems, reading.problems
    return tuple(reading.rows)


@cache
def _built_in_codes() -> frozenset[str]:
    numbers = [row.account for row in _standard_rows() if row.is_balance_sheet]
    return frozenset([*numbers, *map(_set_apart, numbers)])
