"""A document's page: the row as the file has it, byte for byte, whoever wrote the file."""

import csv
import hashlib
import html
import io
import json
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from ingestion.models import ImportBatch
from ledger.models import Transaction
from ledger.selectors import document_bytes
from tests.factories import (
    HEADER,
    Film,
    acting,
    cost_line,
    cost_lines,
    import_data,
    role,
)

Browse = Callable[[str], Client]
PIECE = 1 << 20


def documents(film: Film, batch: ImportBatch) -> list[Transaction]:
    with role("web"), acting(film, "amir"):
        return list(
            Transaction.objects.filter(document_id=batch.document_id).order_by("source_row")
        )


def opened(browse: Browse, film: Film, found: Transaction, person: str = "amir") -> str:
    url = reverse("transaction", args=[film.code, f"{found.batch_id}-{found.number}"])
    response = browse(person).get(url)
    assert response.status_code == 200
    return response.content.decode()


def row_shown(page: str) -> str:
    """What stands in the page as the row; the parser of a page drops a line end after <pre>."""
    found = re.search(r'<pre class="bytes"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def figure(page: str, label: str) -> str:
    found = re.search(rf"<dt>{label}</dt><dd[^>]*>(?:<a [^>]*>)?([^<]*)<", page)
    assert found is not None, label
    return html.unescape(found[1])


VENDOR = "Łódź Kamera & <Co> 日本"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"),
     ("utf-16-be", b"\xfe\xff")],
    ids=["utf-8", "utf-8 with mark", "utf-16-le", "utf-16-be"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_row_is_shown_as_its_bytes_say_in_any_encoding(
    film: Film, browse: Browse, encoding: str, mark: bytes, ending: str
) -> None:
    rows = [cost_line(n, vendor=VENDOR + str(n)) for n in (1, 2, 3)]
    data = mark + ending.join([HEADER, *rows, ""]).encode(encoding)
    batch = import_data(film, data)
    assert batch.posted == 3, batch.reason
    for number, found in enumerate(documents(film, batch)):
        assert found.source_start is not None and found.source_end is not None
        span = data[found.source_start : found.source_end]
        assert span.decode(encoding) == rows[number] + ending
        page = opened(browse, film, found, "cho")
        assert row_shown(page) == rows[number] + ending
        assert figure(page, "SHA-256 of the row") == hashlib.sha256(span).hexdigest()
        assert figure(page, "SHA-256 of the file") == hashlib.sha256(data).hexdigest()
        assert figure(page, "Line of the file") == str(number + 2)
        assert figure(page, "Bytes") == f"{found.source_start} to {found.source_end}"


def test_a_row_across_the_border_of_two_pieces_comes_back_whole(film: Film, browse: Browse) -> None:
    rows = [cost_line(n, vendor=f"Vendor {n} " + "x" * 300) for n in range(1, 6500)]
    data = cost_lines(rows)
    assert len(data) > 2 * PIECE
    batch = import_data(film, data)
    crossing = [
        t
        for t in documents(film, batch)
        if (t.source_start or 0) // PIECE < ((t.source_end or 0) - 1) // PIECE
    ]
    assert len(crossing) == len(data) // PIECE
    for found in crossing:
        span = data[found.source_start : found.source_end]
        assert found.source_row is not None
        assert span.decode() == rows[found.source_row - 1] + "\n"
        page = opened(browse, film, found)
        assert row_shown(page) == span.decode()
        assert figure(page, "SHA-256 of the row") == hashlib.sha256(span).hexdigest()
    with role("web"), acting(film, "amir"):
        assert b"".join(document_bytes(batch.document)) == data
    received = browse("amir").get(
        reverse("source_file", args=[film.code, hashlib.sha256(data).hexdigest()])
    )
    assert received.content == data


def test_a_quoted_row_of_several_lines_is_shown_with_all_its_lines(
    film: Film, browse: Browse
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*HEADER.split(","), "description"])
    described = [*cost_line(1).split(","), 'a 12" slider,\r\nand a "crane"']
    writer.writerow(described)
    writer.writerow([*cost_line(2).split(","), "plain"])
    data = out.getvalue().encode()
    batch = import_data(film, data)
    first, second = documents(film, batch)
    page = opened(browse, film, first)
    assert row_shown(page).encode() == data[first.source_start : first.source_end]
    assert row_shown(page).count("\r\n") == 2
    assert figure(opened(browse, film, second), "Line of the file") == "4"


def test_a_json_row_is_shown_as_it_stands_in_the_file(film: Film, browse: Browse) -> None:
    row = dict(zip(HEADER.split(","), cost_line(1, vendor=VENDOR).split(","), strict=True))
    data = json.dumps([row, {**row, "transaction_id": "TX2"}], ensure_ascii=False).encode()
    batch = import_data(film, data, name="costs.json")
    assert batch.posted == 2, batch.reason
    for found in documents(film, batch):
        span = data[found.source_start : found.source_end]
        page = opened(browse, film, found)
        assert json.loads(row_shown(page))["vendor"] == VENDOR
        assert figure(page, "SHA-256 of the row") == hashlib.sha256(span).hexdigest()


def test_a_vendor_name_is_text_on_every_page_that_shows_it(film: Film, browse: Browse) -> None:
    hostile = "<script>alert(1)</script>'\"<img src=x onerror=alert(2)>{{7*7}}"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*HEADER.split(","), "description"])
    writer.writerow([*cost_line(1).split(",")[:-1], hostile, hostile])
    writer.writerow([*cost_line(2, currency="<b>").split(",")[:-1], hostile, hostile])
    batch = import_data(film, out.getvalue().encode(), name="<svg onload=alert(3)>.csv")
    assert (batch.posted, batch.quarantined) == (1, 1), batch.reason
    (found,) = documents(film, batch)
    client = browse("amir")
    held = client.get(reverse("quarantine", args=[film.code]))
    addresses = [
        reverse("account_lines", args=[film.code, "3310"]) + "?upto=12",
        reverse("transaction", args=[film.code, f"{found.batch_id}-{found.number}"]),
        reverse("imports", args=[film.code]),
        reverse("import_detail", args=[film.code, batch.pk]),
        reverse("quarantine", args=[film.code]),
        held.context["causes"][0]["rows"][0]["url"],
    ]
    for address in addresses:
        page = client.get(address).content.decode()
        for tag in ("<script>alert", "<img src=x", "<svg onload", "<b>"):
            assert tag not in page.replace('<b class="num">', "").replace("<b>Fix</b>", ""), address
        assert ">49<" not in page
    assert html.escape(hostile) in client.get(addresses[0]).content.decode()


def test_only_those_who_import_are_offered_the_file_behind_a_document(
    film: Film, browse: Browse
) -> None:
    batch = import_data(film, cost_lines([cost_line(1)]))
    (found,) = documents(film, batch)
    url = reverse("source_file", args=[film.code, bytes(batch.document.sha256).hex()])
    assert f'href="{url}"' in opened(browse, film, found, "amir")
    assert f'href="{url}"' not in opened(browse, film, found, "cho")
    assert f'href="{url}"' not in opened(browse, film, found, "lena")


def test_the_way_back_keeps_the_week_and_the_unit(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    url = reverse("account_lines", args=[film.code, "3310"]) + "?upto=2&unit=MAIN"
    page = browse("cho").get(url)
    back = page.context["crumbs"][0]["url"]
    assert back == reverse("cost_report", args=[film.code]) + "?period=2&unit=MAIN"


def test_the_total_names_its_currency_once(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(1), cost_line(2, currency="EUR")]))
    url = reverse("account_lines", args=[film.code, "all"])
    page = browse("cho").get(f"{url}?upto=2&currency=EUR").content.decode()
    assert "125.00 EUR" in page
    assert re.search(r"125\.00 EUR</b>\s*USD", page) is None


@pytest.mark.parametrize("query", ["", "?period=99", "?upto=99", "?period=2&unit=NOWHERE",
                                   "?upto=2&currency=XXX1", "?upto=2&after=2"])  # fmt: skip
def test_lines_of_no_week_unit_or_currency_are_not_found(
    film: Film, browse: Browse, query: str
) -> None:
    url = reverse("account_lines", args=[film.code, "3310"])
    assert browse("amir").get(url + query).status_code == 404
