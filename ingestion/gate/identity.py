"""What makes a document the same document: its content key, and its facts. Pure.

Same key, same facts: a duplicate. Same key, other facts: a conflict for a person to settle.
The key does not depend on the file's bytes, so a re-saved or overlapping export is recognised.
"""

import hashlib
import unicodedata
from dataclasses import dataclass, field

from ingestion.gate.schema import CleanLine
from ingestion.layouts.mapping import SEGMENT_FIELDS, Mapping
from ledger import segments

_SEPARATOR = "\x1f"


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def facts_text(line: CleanLine) -> str:
    """Everything a row states, in one spelling: what two exports of one cost share.

    A day or unit it does not state, but takes from the import, is not among them. Nor are
    deductions and segments, which some versions do not read: `Identities` adds them where they
    are read.
    """
    moment = "" if line.day.occurred_at is None else line.day.occurred_at.isoformat()
    return _normal(
        _SEPARATOR.join(
            (
                line.account.code,
                str(line.cost_center_id),
                str(line.unit_id) if line.stated_unit else "",
                f"{line.amount:.4f}",
                f"{line.fringes:.4f}" if line.fringes else "",
                f"{line.reimbursements:.4f}" if line.reimbursements else "",
                line.currency,
                line.jurisdiction,
                line.day.day.isoformat() if line.day.is_stated else "",
                moment,
                line.transaction_id,
                line.reference,
                line.vendor,
                line.description,
                line.occupation,
                line.department_code,
                line.union_guild,
                line.line_number,
            )
        )
    )


def _unread(line: CleanLine, name: str) -> CleanLine:
    """The line as a version that does not read this field has it."""
    if name == "unit":
        return line._replace(stated_unit="")
    if name in SEGMENT_FIELDS:
        codes = segments.read(line.segments)
        codes.pop(SEGMENT_FIELDS[name], None)
        return line._replace(segments=segments.written(codes))
    if name not in {"description", "jurisdiction", "occupation", "department_code", "union_guild"}:
        return line
    values = line._asdict()
    return CleanLine(**{**values, name: ""})


def _stated(line: CleanLine, mapping: Mapping) -> str:
    """The document's own identity as the source states it; '' when it states none."""
    values = [_stated_value(line, name) for name in mapping.identity]
    return _SEPARATOR.join(values) if all(values) else ""


def _stated_value(line: CleanLine, name: str) -> str:
    if name == "account_code":
        return line.account.code
    if name == "transaction_date":
        return line.day.day.isoformat()
    value = _normal(getattr(line, name))
    return value.casefold() if name == "vendor" else value


@dataclass(slots=True)
class Identities:
    """The identities of one file's rows, in order: it counts lines of equal documents.

    `pay_key` is the production's, where the rows are payroll's: names and rates are few, and a
    hash of them without it would tell whoever tries them one by one.
    """

    mapping: Mapping
    pay_key: bytes = b""
    _seen: dict[int, int] = field(default_factory=dict)
    _reads_segments: bool = field(init=False)

    def __post_init__(self) -> None:
        self._reads_segments = self.mapping.reads_segments

    def of(self, line: CleanLine) -> tuple[bytes, bytes]:
        """The row's (document key, facts digest), 32 bytes each."""
        facts = facts_text(line)
        digest = self._digest(line, facts)
        stated = _stated(line, self.mapping)
        if stated and not self.mapping.identity_has_lines:
            return self.key("id", stated, ""), digest
        kind, base = ("line", stated) if stated else ("facts", facts)
        nth = (stated and line.line_number) or str(self._count(kind, base))
        return self.key(kind, base, nth), digest

    def is_same(self, line: CleanLine, facts: bytes, posted: bytes) -> bool:
        """Whether what is posted under the line's key states the same as the line does.

        An export of weeks that an older version posted says the same of every column that
        version read: such a row is a duplicate and no conflict.
        """
        if facts == posted:
            return True
        reads_more = self.mapping.reads_deductions or self._reads_segments
        if reads_more and self._sha(facts_text(line)) == posted:
            return True
        # So are fields that are read by decision, each from some version on.
        for name in reversed(self.mapping.added):
            line = _unread(line, name)
            if posted in (self._sha(facts_text(line)), self._digest(line, facts_text(line))):
                return True
        return False

    def _digest(self, line: CleanLine, facts: str) -> bytes:
        if self.mapping.reads_deductions:
            # Said of every row, also where nothing is withheld: so a digest tells whether the
            # version that made it read deductions at all.
            facts = f"{facts}{_SEPARATOR}deductions {line.deductions:.4f}"
        if self._reads_segments:
            facts = f"{facts}{_SEPARATOR}segments {line.segments}"
        return self._sha(facts)

    def _sha(self, text: str) -> bytes:
        return hashlib.sha256(self.pay_key + text.encode()).digest()

    def counted_document(self, line: CleanLine) -> str:
        """The document whose lines are told apart by their order alone; '' when they are not."""
        if not self.mapping.identity_has_lines or line.line_number:
            return ""
        return _stated(line, self.mapping)

    def key(self, kind: str, base: str, nth: str) -> bytes:
        """The content key: SHA-256 over kind, source, what is stated, and which of them it is."""
        return self._sha(_SEPARATOR.join((kind, self.mapping.source, base, nth)))

    def _count(self, kind: str, base: str) -> int:
        # Eight bytes of a digest stand for the text: a million rows then cost about 100 MB less.
        short = int.from_bytes(hashlib.sha256(f"{kind}{base}".encode()).digest()[:8], "big")
        count = self._seen.get(short, 0) + 1
        self._seen[short] = count
        return count
