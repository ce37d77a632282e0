"""The strict gate: a mapped row becomes a clean line, or a list of violations, never both.

`Gate.clean` tries the plain road first: every word known, the amount and the date spelled as the
source always spells them. Whatever is not plain goes through the pydantic model, which reports
all errors of a row in one pass. Both roads give the same line (tests/ingestion/test_schema.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic import ValidationInfo as Info
from pydantic_core import PydanticCustomError

from ingestion.gate.dates import DateRefused, DateWord, parse_date
from ingestion.layouts.mapping import FIELDS, SEGMENT_FIELDS, Mapping
from ingestion.layouts.vocabulary import AccountWord, Meaning, Vocabulary, as_meant, meanings
from ledger.segments import KINDS, written
from taxonomy import money
from taxonomy.currencies import MINOR_UNITS

# Control, zero-width and direction characters: invisible on a screen, so never in a record.
# Line ends of any kind inside a quoted field are a legal part of an address; a carriage return
# that begins a field is a way to have a spreadsheet run what follows it.
HIDDEN = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
    r"|\A\r"
)
JURISDICTION = re.compile(r"[A-Za-z][A-Za-z0-9 /&.+-]{0,31}", re.ASCII)
LONGEST_TEXT = 2_000
LONGEST_REFERENCE = 120  # what the ledger's reference column holds
ZERO = Decimal(0)
_CODED_FROM = len(FIELDS) - len(SEGMENT_FIELDS)
_NO_CODING = ("",) * len(SEGMENT_FIELDS)
# What a file states of its own is remembered up to here, then forgotten and read anew.
_MOST_REMEMBERED = 20_000


class Violation(NamedTuple):
    """One thing wrong with one field: what was expected, what was found and what to do."""

    field: str
    code: str
    expected: str
    found: str
    fix: str


# A finer code carries the broader one beside it, so that either finds the row.
BROADER = {"E_MINOR_UNITS": "E_AMOUNT"}


class CleanLine(NamedTuple):
    """A row that may be posted. Money is Decimal in `currency`."""

    account: AccountWord
    cost_center_id: int
    unit_id: int
    stated_unit: str
    amount: Decimal
    fringes: Decimal
    reimbursements: Decimal
    deductions: Decimal
    currency: str
    jurisdiction: str
    day: DateWord
    transaction_id: str
    reference: str
    vendor: str
    description: str
    occupation: str
    department_code: str
    union_guild: str
    line_number: str
    segments: str


def _refuse(code: str, expected: str, fix: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{expected}", {"expected": expected, "fix": fix})


def _trim(value: object) -> object:
    return value.strip(" ") if isinstance(value, str) else value


def _gate(info: Info) -> "Gate":
    gate = info.context
    assert isinstance(gate, Gate)
    return gate


def _visible(value: str) -> str:
    if HIDDEN.search(value):
        raise _refuse(
            "E_CONTROL_CHAR",
            "visible characters only",
            "delete the invisible character at the place shown and resubmit",
        )
    if len(value) > LONGEST_TEXT:
        raise _refuse(
            "E_FIELD_TOO_LONG", f"at most {LONGEST_TEXT} characters", "shorten it and resubmit"
        )
    return value


def _short(value: str) -> str:
    if len(value) > LONGEST_REFERENCE:
        raise _refuse(
            "E_FIELD_TOO_LONG", f"at most {LONGEST_REFERENCE} characters", "shorten it and resubmit"
        )
    return value


def _account(value: str, info: Info) -> str:
    words = _gate(info).words
    if value in words.accounts:
        return value
    if value in words.categories:
        raise _refuse(
            "E_ACCOUNT",
            f"a detail account; {value} is a category",
            "code the cost to a detail account below it",
        )
    if value in words.contingency:
        raise _refuse(
            "E_ACCOUNT",
            f"an account that costs are posted to; {value} is contingency",
            "code the cost where it belongs, and draw on contingency for that account",
        )
    raise _refuse(
        "E_ACCOUNT",
        f"an account of the chart, written {words.account_format}",
        "correct the account, or add it to the chart and resubmit",
    )


def _cost_center(value: str, info: Info) -> str:
    gate = _gate(info)
    if value in gate.words.cost_centers:
        return value
    if not value and not gate.mapping.cost_center_required:
        account = gate.words.accounts.get(info.data.get("account_code", ""))
        if account is None or account.cost_center_id is not None:
            return value
    raise _refuse(
        "E_COST_CENTER",
        "one of the production's cost centres, such as "
        + ", ".join(sorted(gate.words.cost_centers)[:4]),
        "write the cost centre's short code in capitals",
    )


def _currency(value: str, info: Info) -> str:
    gate = _gate(info)
    if not value and not gate.mapping.currency_required:
        return gate.words.currency
    try:
        money.minor_units(value)
    except money.UnknownCurrency:
        raise _refuse(
            "E_CURRENCY",
            "an ISO 4217 currency in use, three capitals",
            "write the code, such as USD, EUR or CAD",
        ) from None
    return value


def _decimal(value: str, info: Info, *, may_be_zero: bool) -> str:
    """Checked text; the caller turns it into a Decimal with the same conventions."""
    gate, currency = _gate(info), info.data.get("currency") or ""
    if may_be_zero and not value:
        return value
    try:
        amount = money.parse_amount(value, gate.mapping.amounts, currency)
        if currency:
            money.check_minor_units(amount, currency)
    except money.AmountError as error:
        finer = error.reason == money.TOO_MANY_DECIMALS
        raise _refuse(
            "E_MINOR_UNITS" if finer else "E_AMOUNT",
            f"no more decimals than {currency} has"
            if finer
            else "an amount such as -1234.50 as the mapping declares",
            f"{error.reason}; correct it and resubmit",
        ) from None
    if not may_be_zero and not money.is_postable(amount):
        raise _refuse("E_AMOUNT", "an amount that is not zero", "leave the row out, or correct it")
    return value


def _amount(value: str, info: Info) -> str:
    # A payroll row may pay nothing but a reimbursement; the line as a whole must not be zero.
    return _decimal(value, info, may_be_zero="reimbursements" in _gate(info).used)


def _side_amount(value: str, info: Info) -> str:
    return _decimal(value, info, may_be_zero=True)


def _net_pay(value: str, info: Info) -> str:
    """A stated net pay must be what the row's other money leaves to be paid, to the cent."""
    _side_amount(value, info)
    parts = [info.data.get(name) for name in ("amount", "deductions", "reimbursements")]
    if not value or None in parts:
        return value  # nothing is stated, or a part of it cannot be read and is refused itself
    amounts, currency = _gate(info).mapping.amounts, info.data.get("currency") or ""
    gross, deductions, repaid = (
        money.parse_amount(part, amounts, currency) if part else ZERO for part in parts
    )
    net = gross - deductions + repaid
    is_waived = "E_NET_PAY" in _gate(info).waived
    if money.parse_amount(value, amounts, currency) != net and not is_waived:
        raise _refuse(
            "E_NET_PAY",
            f"net pay of {net:,f}: gross {gross:,f} less deductions {deductions:,f} plus "
            f"reimbursements {repaid:,f}",
            "ask the payroll company which of the four figures is wrong, correct it and resubmit",
        )
    return value


def _jurisdiction(value: str, info: Info) -> str:
    if not value and not _gate(info).mapping.jurisdiction_required:
        return value
    if not JURISDICTION.fullmatch(value):
        raise _refuse(
            "E_JURISDICTION",
            "the union jurisdiction, such as IATSE, SAG-AFTRA, DGA or NON-UNION",
            "write the jurisdiction and resubmit",
        )
    return value


def _day(value: str, info: Info) -> str:
    try:
        _gate(info).day(value)
    except DateRefused as error:
        raise _refuse("E_DATE", error.expected, error.fix) from None
    return value


def _unit(value: str, info: Info) -> str:
    words = _gate(info).words
    if value and value not in words.units:
        raise _refuse(
            "E_UNIT", "a unit: " + ", ".join(sorted(words.units)), "correct the unit or leave blank"
        )
    return value


def _segment(value: str, info: Info) -> str:
    """A code of its kind, in capitals. Kinds the production does not code to are not read."""
    assert info.field_name is not None
    kind, code = SEGMENT_FIELDS[info.field_name], value.upper()
    known = _gate(info).words.segments.get(kind)
    if not value or known is None:
        return ""
    if known.get(code):
        return code
    if "E_SEGMENT" in _gate(info).waived:
        return code if code in known else ""  # the ledger has no code for what is none
    label = KINDS[kind]
    in_use = sorted(code for code, is_active in known.items() if is_active)
    raise _refuse(
        "E_SEGMENT",
        f"a code of {label if label == '1099' else label.lower()} that is in use"
        + (", such as " + ", ".join(in_use[:4]) if in_use else ""),
        "add it to the production's segments, or correct it, and resubmit",
    )


_Cell = Annotated[str, BeforeValidator(_trim)]
_Text = Annotated[_Cell, AfterValidator(_visible)]
_Reference = Annotated[_Text, AfterValidator(_short)]
_Segment = Annotated[_Cell, AfterValidator(_segment)]


class CostLine(BaseModel):
    """One mapped row. Strict: no field is coerced, and none is dropped."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    account_code: Annotated[_Cell, AfterValidator(_account)]
    cost_center: Annotated[_Cell, AfterValidator(_cost_center)]
    currency: Annotated[_Cell, AfterValidator(_currency)]
    amount: Annotated[_Cell, AfterValidator(_amount)]
    employer_taxes: Annotated[_Cell, AfterValidator(_side_amount)]
    benefits: Annotated[_Cell, AfterValidator(_side_amount)]
    reimbursements: Annotated[_Cell, AfterValidator(_side_amount)]
    deductions: Annotated[_Cell, AfterValidator(_side_amount)]
    net_pay: Annotated[_Cell, AfterValidator(_net_pay)]
    jurisdiction: Annotated[_Cell, AfterValidator(_jurisdiction)]
    transaction_date: Annotated[_Cell, AfterValidator(_day)]
    unit: Annotated[_Cell, AfterValidator(_unit)]
    transaction_id: _Reference
    vendor: _Text
    description: _Text
    reference: _Reference
    occupation: _Text
    department_code: _Text
    union_guild: _Text
    line_number: _Text
    episode: _Segment
    location: _Segment
    set: _Segment
    insurance: _Segment
    tax_1099: _Segment
    free_1: _Segment
    free_2: _Segment
    free_3: _Segment
    free_4: _Segment


def _shown(value: object) -> str:
    """The found value as a person can see it: invisible characters by their code points."""
    text = value if isinstance(value, str) else str(value)
    return HIDDEN.sub(lambda m: f"<U+{ord(m.group()[0]):04X}>", text[:120])


@dataclass(slots=True)
class Gate:
    """The gate of one file: its mapping and the production's words."""

    mapping: Mapping
    words: Vocabulary
    used: frozenset[str]
    # The codes of what an override passes over, for the one row it was signed for.
    waived: frozenset[str] = frozenset()
    _days: dict[str, DateWord] = field(default_factory=dict)
    _codings: dict[tuple[str, ...], str] = field(default_factory=lambda: {_NO_CODING: ""})
    _meant: list[Meaning] = field(init=False)

    def __post_init__(self) -> None:
        self._meant = meanings(self.mapping, self.words)

    def day(self, text: str) -> DateWord:
        """The date a cell states and the period it posts to; DateRefused otherwise."""
        known = self._days.get(text)
        if known is None:
            known = parse_date(text, self.mapping, self.words)
            if len(self._days) > _MOST_REMEMBERED:
                self._days.clear()
            self._days[text] = known
        return known

    def clean(self, values: Sequence[str]) -> CleanLine | list[Violation]:
        """`values` in the order of FIELDS, '' where the file has no such field."""
        line = self._plain(values)
        if line is None and self._meant:
            values = as_meant(values, self._meant)
            line = self._plain(values)
        return line or self._strict(values)

    def _plain(self, values: Sequence[str]) -> CleanLine | None:
        """The line, when nothing about the row needs a second look; else None."""
        (transaction_id, account_code, center, amount_text, currency, jurisdiction, day_text,
         vendor, description, reference, unit, occupation, department_code, union_guild, taxes,
         benefits, repaid, withheld, net, line_number) = values[:_CODED_FROM]  # fmt: skip
        words = self.words
        account = words.accounts.get(account_code)
        center_id = words.cost_centers.get(center)
        if account is not None and not center and not self.mapping.cost_center_required:
            center_id = account.cost_center_id
        if not currency and not self.mapping.currency_required:
            currency = words.currency
        day = self._days.get(day_text)
        units = MINOR_UNITS.get(currency)
        unit_id = words.units.get(unit or words.default_unit)
        coded = self._codings.get(tuple(values[_CODED_FROM:]))
        if (
            account is None or center_id is None or day is None or units is None
            or unit_id is None or coded is None or taxes or benefits or repaid or withheld or net
            or not self.mapping.amounts.plain.fullmatch(amount_text)
            or not (JURISDICTION.fullmatch(jurisdiction) if jurisdiction
                    else not self.mapping.jurisdiction_required)
        ):  # fmt: skip
            return None
        whole, mark, decimals = amount_text.partition(self.mapping.amounts.decimal)
        amount = Decimal(f"{whole}.{decimals}" if mark else whole)
        if self.mapping.is_negated:
            amount = -amount
        text = (
            f"{transaction_id}{vendor}{description}{reference}{occupation}{line_number}"
            f"{department_code}{union_guild}"
        )
        # No hidden character and no line end is printable: the usual text needs no closer look.
        if not text.isprintable() and (HIDDEN.search(text) or "\r" in text):
            return None
        if (
            len(decimals) > units or not amount or len(text) > LONGEST_TEXT
            or len(transaction_id) > LONGEST_REFERENCE or len(reference) > LONGEST_REFERENCE
        ):  # fmt: skip
            return None
        return CleanLine(
            account, center_id, unit_id, unit.strip(" "), amount, ZERO, ZERO, ZERO, currency,
            jurisdiction, day,
            transaction_id.strip(" "), reference.strip(" "), vendor.strip(" "),
            description.strip(" "), occupation.strip(" "), department_code.strip(" "),
            union_guild.strip(" "), line_number.strip(" "), coded,
        )  # fmt: skip

    def _strict(self, values: Sequence[str]) -> CleanLine | list[Violation]:
        try:
            line = CostLine.model_validate(
                dict(zip(FIELDS, values, strict=True)), context=self, strict=True
            )
        except ValidationError as error:
            return [_violation(item) for item in error.errors(include_url=False)]
        clean = self._clean(line)
        if len(self._codings) > _MOST_REMEMBERED:
            self._codings = {_NO_CODING: ""}
        self._codings[tuple(values[_CODED_FROM:])] = clean.segments
        if not (clean.amount or clean.fringes or clean.reimbursements or clean.deductions):
            return [
                Violation("amount", "E_AMOUNT", "an amount that is not zero", line.amount,
                          "leave the row out, or correct it")
            ]  # fmt: skip
        if abs(clean.fringes) >= money.AMOUNT_LIMIT:
            return [
                Violation("employer_taxes", "E_AMOUNT",
                          f"taxes and contributions below {money.AMOUNT_LIMIT:,} together",
                          f"{line.employer_taxes} + {line.benefits}", "correct them and resubmit")
            ]  # fmt: skip
        return clean

    def _clean(self, line: CostLine) -> CleanLine:
        words, amounts = self.words, self.mapping.amounts
        account = words.accounts[line.account_code]
        center = words.cost_centers.get(line.cost_center) or account.cost_center_id
        assert center is not None, "the model refuses a row without a cost centre"

        def parsed(text: str) -> Decimal:
            amount = money.parse_amount(text, amounts, line.currency) if text else ZERO
            return -amount if self.mapping.is_negated else amount

        return CleanLine(
            account,
            center,
            words.units[line.unit or words.default_unit],
            line.unit,
            parsed(line.amount),
            parsed(line.employer_taxes) + parsed(line.benefits),
            parsed(line.reimbursements),
            parsed(line.deductions),
            line.currency,
            line.jurisdiction,
            self.day(line.transaction_date),
            line.transaction_id,
            line.reference,
            line.vendor,
            line.description,
            line.occupation,
            line.department_code,
            line.union_guild,
            line.line_number,
            written({kind: getattr(line, name) for name, kind in SEGMENT_FIELDS.items()}),
        )


def _violation(item: object) -> Violation:
    assert isinstance(item, dict)
    context = item.get("ctx", {})
    return Violation(
        str(item["loc"][0]),
        str(item["type"]),
        str(context.get("expected", item["msg"])),
        _shown(item["input"]),
        str(context.get("fix", "correct it and resubmit")),
    )


def codes_of(violations: Sequence[Violation]) -> list[str]:
    """The distinct codes of a row, broader codes included, in order of appearance."""
    codes: dict[str, None] = {}
    for violation in violations:
        if violation.code in BROADER:
            codes[BROADER[violation.code]] = None
        codes[violation.code] = None
    return list(codes)
