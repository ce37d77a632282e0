"""Held rows exported with their reasons, fixed in a spreadsheet, and sent back."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from ingestion import selectors, work
from ingestion.desk import acts, held_sheet
from ingestion.desk import selectors as desk_selectors
from ingestion.desk.held_sheet import SheetLine, read_fixed, shown, write_sheet
from ingestion.formats.opening import open_file
from ingestion.formats.records import Dialect
from ingestion.models import DeskAct, HeldRow, RowRevision
from ingestion.screens.held_workbook import export_held
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import counts, decide, held, money

Browse = Callable[[str], Client]
NASTY = "=1+A1"


def exported(film: Film, cause: str = "") -> bytes:
    target = io.BytesIO()
    with role("web"), acting(film, "amir"):
        export_held(
            actor=film.cast["amir"], production=film.production, cause=cause, batch_id=None,
            after=0, target=target,
        )  # fmt: skip
    return target.getvalue()


def table_of(data: bytes) -> list[dict[str, str]]:
    """The sheet's lines by heading, as our own reader reads any workbook."""
    reading = open_file("x.xlsx", [data], lambda header: "Row id" in header, Dialect())
    return [dict(zip(reading.header, r.fields or [], strict=False)) for r in reading]


def workbook(lines: list[dict[str, str]]) -> bytes:
    """The list as somebody saves it."""
    target = io.BytesIO()
    fields = [name for name in lines[0] if name not in (*held_sheet.PLACE, *held_sheet.REASONS)]
    write_sheet(
        target, fields,
        [SheetLine((n["Row id"], n["Check"], n["File"], n["Line"]), n, ("", "", "", ""))
         for n in lines],
        [],
    )  # fmt: skip
    return target.getvalue()


def sent_back(film: Film, data: bytes, name: str = "fixed.xlsx") -> DeskAct:
    with role("web"), acting(film, "amir"):
        act = acts.receive_fixed(
            actor=film.cast["amir"], production=film.production, name=name, read=lambda: [data],
            reason="by the vendor",
        )  # fmt: skip
    with role("worker"):
        with acting(film, "amir"):
            item = selectors.work_of("act", [act.pk]).get()
        work.drain(only=item.pk)
    act.refresh_from_db()
    return act


def said(film: Film, act: DeskAct) -> list[tuple[int, str]]:
    with role("web"), acting(film, "amir"):
        return [(f.line, f.code) for f in desk_selectors.findings(act)]


def test_the_list_has_every_field_what_is_wrong_and_what_to_do(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1, account="33l0", vendor=NASTY), cost_line(2)]))
    data = exported(film)
    (line,) = table_of(data)
    row = held(film)[0]
    assert (line["Row id"], line["Check"]) == (str(row.pk), bytes(row.payload_sha256).hex())
    assert (line["File"], line["Line"], line["account_code"]) == ("costs.csv", "2", "33l0")
    assert (line["vendor"], line["Codes"]) == (NASTY.split(",", maxsplit=1)[0], "E_ACCOUNT")
    assert line["What is wrong"] == "Account: found 33l0"
    assert "chart" in line["Expected"] and "resubmit" in line["What to do"]
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheets = [book.read(n).decode() for n in book.namelist() if "worksheets/sheet" in n]
    assert len(sheets) == 2 and "As of" in sheets[1] and "every cause" in sheets[1]
    for sheet in sheets:
        assert "<f>" not in sheet and "<hyperlink" not in sheet, "text, whatever it begins with"


def test_changed_lines_are_resubmitted_and_the_others_stay(film: Film) -> None:
    batch = import_data(film, cost_lines([cost_line(n, account="33l0") for n in (1, 2, 3)]))
    lines = table_of(exported(film))
    lines[0]["account_code"] = "3310"
    lines[2] |= {"account_code": "2220", "cost_center": "ART"}
    data = workbook(lines)
    act = sent_back(film, data)
    assert (act.state, act.rows, act.posted, act.passed) == ("done", 3, 2, 1)
    assert [row.state for row in held(film)] == ["posted", "held", "posted"]
    assert {m[0] for m in money(film)} == {"3310", "2220"}
    batch.refresh_from_db()
    assert counts(batch) == (3, 2, 0, 1)
    revision = RowRevision.objects.get(act=act, held_row=held(film)[2])
    assert revision.values == {"account_code": "2220", "cost_center": "ART"}
    assert revision.reason == "by the vendor"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line FROM ledger_logentry WHERE production_id = %s AND line LIKE %s",
            [film.production.pk, f"%{hashlib.sha256(data).hexdigest()}%"],
        )
        types = [json.loads(line)["type"] for (line,) in cursor.fetchall()]
    assert sorted(types) == ["resolve", "upload"], "the file, and what it did"


def test_what_cannot_be_taken_is_said_by_line_and_the_rest_is_taken(
    film: Film, other_film: Film
) -> None:
    import_data(film, cost_lines([cost_line(n, account="33l0") for n in range(1, 6)]))
    import_data(other_film, cost_lines([cost_line(1, account="33l0")]))
    lines = table_of(exported(film))
    foreign = table_of(exported(other_film))[0]
    for line in (*lines, foreign):
        line["account_code"] = "3310"
    decide(film, held(film)[1], action="reject", reason="ours")
    lines[2]["Check"] = lines[3]["Check"]
    lines[4]["Row id"] = "12a"
    act = sent_back(film, workbook([*lines, foreign, dict(lines[0])]))
    assert said(film, act) == [
        (3, "E_SETTLED"), (4, "E_CHECK"), (6, "E_ROW_ID"), (7, "E_ROW_ID"), (8, "E_REPEATED"),
    ]  # fmt: skip
    assert (act.state, act.rows, act.posted, act.passed) == ("done", 7, 2, 5)
    assert [row.state for row in held(film)] == ["posted", "rejected", "held", "posted", "held"]
    assert [row.state for row in held(other_film)] == ["held"]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("fixed.csv", b"vendor,amount\nA,1\n", "E_HEADER"),
        ("fixed.xlsx", b"PK\x03\x04 nothing", "E_FILETYPE"),
        ("fixed.csv", b"Row id,Check\n", "E_EMPTY"),
    ],
)
def test_a_file_that_is_no_such_list_changes_nothing_and_says_why(
    film: Film, name: str, data: bytes, code: str
) -> None:
    import_data(film, cost_lines([cost_line(1, account="33l0")]))
    act = sent_back(film, data, name)
    assert (act.state, act.rows) == ("done", 0)
    assert [c for _, c in said(film, act)] == [code]
    assert [row.state for row in held(film)] == ["held"]


def test_the_same_list_sent_twice_posts_once(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1, account="33l0")]))
    lines = table_of(exported(film))
    lines[0]["account_code"] = "3310"
    data = workbook(lines)
    assert sent_back(film, data).posted == 1
    again = sent_back(film, data)
    assert (again.posted, said(film, again)) == (0, [(2, "E_SETTLED")])
    assert len(money(film)) == 1


def test_a_list_saved_as_csv_comes_back_too(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1, account="33l0")]))
    row = held(film)[0]
    data = f"Row id,Check,account_code\n{row.pk},{bytes(row.payload_sha256).hex()},3310\n"
    assert sent_back(film, data.encode(), "fixed.csv").posted == 1


@pytest.mark.parametrize("text", ["a\r\nb", "\x01\x02", " lead", "_x0041_", "=1+1", "0012", "é"])
def test_a_field_nobody_touched_comes_back_as_it_went(text: str) -> None:
    target = io.BytesIO()
    line = SheetLine(("7", "ab", "f", "2"), {"vendor": text}, ("", "", "", ""))
    assert write_sheet(target, ["vendor"], [line], []) == 1
    (back,) = read_fixed("x.xlsx", [target.getvalue()])
    assert (back.row_id, back.check, back.cells["vendor"]) == (7, "ab", shown(text))


def test_a_person_exports_and_sends_back_in_the_browser(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(1, account="33l0"), cost_line(2, currency="US$")]))
    client = browse("amir")
    desk = client.get(reverse("quarantine", args=[film.code]))
    export = reverse("quarantine_export", args=[film.code])
    assert export in desk.content.decode()
    everything = client.get(export)
    assert len(table_of(everything.content)) == 2
    assert everything.headers["Content-Disposition"].startswith("attachment")
    one = client.get(export + "?cause=E_CURRENCY%7Ccurrency%7CUS%24")
    (line,) = table_of(one.content)
    line["currency"] = "USD"
    upload = reverse("quarantine_upload", args=[film.code])
    assert client.post(upload).status_code == 422
    file = SimpleUploadedFile("fixed.xlsx", workbook([line]))
    where = client.post(upload, {"file": file, "reason": "vendor"}).headers["Location"]
    assert "Fixed list fixed.xlsx" in client.get(where).content.decode()
    with role("worker"), acting(film, "amir"):
        item = selectors.work_of("act", [DeskAct.objects.get(production=film.production).pk]).get()
    with role("worker"):
        work.drain(only=item.pk)
    with role("web"):
        page = client.get(where)
    assert page.context["act"]["posted"] == 1
    with role("owner"):
        states = HeldRow.objects.filter(production=film.production).values_list("state", flat=True)
        assert sorted(states) == ["held", "posted"]
