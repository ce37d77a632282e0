"""A report as a plain table, and the table as text, CSV, JSON or a workbook. Pure."""

import csv
import io
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import xlsxwriter

# A cell that a spreadsheet would take for a formula gets a quote in front (ASVS 5 V1.2.10).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# What XML cannot hold.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


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


def as_workbook(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], figures: set[int]
) -> bytes:
    """One sheet under a heading that stays in sight. Every cell is text that nothing computes, but
    those of `figures`, which are whole numbers."""
    target = io.BytesIO()
    asked = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
             "strings_to_numbers": False}  # fmt: skip
    book = xlsxwriter.Workbook(target, asked)
    text = book.add_format({"num_format": "@"})
    head = book.add_format({"num_format": "@", "bold": True, "bottom": 1})
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(header) - 1, 18)
    for column, cell in enumerate(header):
        sheet.write_string(0, column, cell, head)
    for number, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if column in figures and cell:
                sheet.write_number(number, column, Decimal(cell))
            else:
                sheet.write_string(number, column, _UNWRITABLE.sub("\ufffd", cell), text)
    book.close()
    return target.getvalue()
