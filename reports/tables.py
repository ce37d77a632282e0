"""A report as a plain table, and the table as text, CSV or JSON. Pure."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Final

# A cell that a spreadsheet would take for a formula gets a quote in front (ASVS 5 V1.2.10).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe_cell(value: str) -> str:
    """Text that no spreadsheet will run. Figures are typed columns and never pass through here."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def as_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> str:
    """Aligned columns for a terminal; `right` are the columns of figures."""
    widths = [max([len(h), *(len(r[i]) for r in rows)]) for i, h in enumerate(header)]

    def line(cells: Sequence[str]) -> str:
        parts = (
            c.rjust(w) if i in right else c.ljust(w)
            for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(parts).rstrip()

    ruler = "  ".join("-" * w for w in widths)
    return "\n".join([line(header), ruler, *map(line, rows)])


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str]], figures: set[int]) -> str:
    """RFC 4180 with safe text cells; `figures` are the columns of plain numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([c if i in figures else safe_cell(c) for i, c in enumerate(row)])
    return out.getvalue()


def as_json(header: Sequence[str], rows: Sequence[Sequence[str]], around: dict[str, object]) -> str:
    """The rows as objects under `rows`, amounts as strings: no figure passes through a float."""
    said = {**around, "rows": [dict(zip(header, row, strict=True)) for row in rows]}
    return json.dumps(said, ensure_ascii=False)
