"""Workbooks made by hand, so that a test can say exactly what stands in the file."""

import io
import zipfile
from collections.abc import Mapping

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def text_cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number: int, *cells: str, attributes: str = "") -> str:
    return f'<row r="{number}" {attributes}>{"".join(cells)}</row>'


def text_row(number: int, texts: list[str]) -> str:
    return row(number, *(text_cell(f"{chr(65 + at)}{number}", t) for at, t in enumerate(texts)))


def workbook(
    rows: list[str],
    *,
    sheets: list[tuple[str, str]] | None = None,
    properties: str = "",
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """A workbook whose sheets all hold the same rows; `extra` adds or replaces parts."""
    sheets = sheets or [("Costs", "visible")]
    listed = "".join(
        f'<sheet name="{name}" sheetId="{at}" state="{state}" r:id="rId{at}"/>'
        for at, (name, state) in enumerate(sheets, start=1)
    )
    relations = "".join(
        f'<Relationship Id="rId{at}" Type="{OFFICE}/worksheet" Target="worksheets/s{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    relations += "".join(
        f'<Relationship Id="{kind}" Type="{OFFICE}/{kind}" Target="/xl/{kind}.xml"/>'
        for kind in ("styles", "sharedStrings")
    )
    parts = {
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><workbookPr {properties}/>'
        f'<sheets>{listed}</sheets><extLst><ext><x:workbookPr xmlns:x="urn:extension"/></ext>'
        "</extLst></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships {PACKAGE}>{relations}</Relationships>",
        "xl/styles.xml": f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164"'
        ' formatCode="[$-409]d/m/yyyy;@"/></numFmts><cellStyleXfs><xf numFmtId="14"/>'
        '</cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/>'
        "</cellXfs></styleSheet>",
        "xl/sharedStrings.xml": f"<sst {MAIN}><si><t>Shared</t></si><si><r><t>Rich </t></r><r>"
        "<t>text</t></r><rPh><t>left out</t></rPh></si></sst>",
    }
    for at in range(1, len(sheets) + 1):
        body = "".join(rows)
        parts[f"xl/worksheets/s{at}.xml"] = (
            f"<worksheet {MAIN}><sheetData>{body}</sheetData></worksheet>"
        )
    parts.update(extra or {})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()
