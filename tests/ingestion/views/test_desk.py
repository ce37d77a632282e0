"""The quarantine desk as a person walks through it: a whole cause at once."""

import html
from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ingestion.models import DeskAct, HeldRow
from tests.factories import Film, cost_line, cost_lines, import_data, role
from tests.ingestion.books import do_the_work, table

Browse = Callable[[str], Client]
CAUSE = "E_ACCOUNT|account_code|33l0"


def held(film: Film, rows: int) -> None:
    lines = [cost_line(n, account="33l0") for n in range(1, rows + 1)]
    import_data(film, cost_lines([*lines, cost_line(9_999, currency="US$")]))


def test_a_whole_cause_is_fixed_from_the_desk_and_its_progress_asked_for(
    film: Film, browse: Browse
) -> None:
    held(film, 30)
    client = browse("amir")
    desk = client.get(reverse("quarantine", args=[film.code]))
    (cause, other) = desk.context["causes"]
    text = desk.content.decode()
    assert (cause["count"], cause["asks_count"], other["asks_count"]) == (30, True, False)
    assert "Apply and resubmit all 30" in text and "Type 30" in text
    given = {"action": "fix", "value": "3310", "count": "30", "typed": ""}
    refused = client.post(cause["url"], given)
    assert refused.status_code == 422
    assert "type how many rows" in refused.content.decode()
    assert 'value="3310"' in refused.content.decode(), "what was typed is kept"
    sent = client.post(cause["url"], given | {"typed": "30"})
    where = sent.headers["Location"]
    page = client.get(where).content.decode()
    status = where + "status/"
    assert f'hx-get="{status}"' in page and "Waiting for a worker" in page
    assert "0 of 30" in client.get(cause["url"]).content.decode()
    do_the_work(film)
    fragment = client.get(status).content.decode()
    assert "hx-get" not in fragment and "Done" in fragment
    assert client.get(where).context["act"]["posted"] == 30
    gone = client.get(cause["url"]).content.decode()
    assert "Nothing is held for this cause any more" in gone
    assert (
        "Fixed: Account 3310"
        in client.get(reverse("quarantine", args=[film.code])).content.decode()
    )


def test_an_act_is_stopped_from_its_page(film: Film, browse: Browse) -> None:
    held(film, 2)
    client = browse("amir")
    url = reverse("quarantine_cause", args=[film.code]) + f"?cause={CAUSE}"
    sent = client.post(url, {"action": "reject", "reason": "no", "count": "2"})
    where = sent.headers["Location"]
    assert client.post(where, {"action": "stop"}).status_code == 302
    do_the_work(film)
    assert "left as they were" in client.get(where).content.decode()
    assert client.post(where, {"action": "stop"}).status_code == 409
    with role("owner"):
        assert DeskAct.objects.get(production=film.production).state == "stopped"
        assert set(HeldRow.objects.filter(production=film.production)
                   .values_list("state", flat=True)) == {"held"}  # fmt: skip


def test_the_rows_of_a_cause_come_page_by_page(film: Film, browse: Browse) -> None:
    held(film, 130)
    client = browse("amir")
    url = reverse("quarantine_cause", args=[film.code]) + f"?cause={CAUSE}"
    first = client.get(url)
    assert len(first.context["cause"]["rows"]) == 100
    second = client.get(first.context["next_url"])
    assert [row["row"] for row in second.context["cause"]["rows"]] == list(range(101, 131))
    assert (second.context["next_url"], first.context["previous_url"]) == (None, None)
    assert second.context["previous_url"] is not None


def test_the_desk_asks_the_database_as_often_for_many_causes_as_for_few(
    film: Film, browse: Browse
) -> None:
    import_data(film, cost_lines([cost_line(n, amount=f"x{n}") for n in range(4)]))
    client = browse("amir")
    url = reverse("quarantine", args=[film.code])
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    import_data(film, cost_lines([cost_line(n, amount=f"y{n}") for n in range(230)]))
    with role("web"), CaptureQueriesContext(connection) as many:
        page = client.get(url)
    assert len(many) == len(few)
    assert (page.context["summary"]["causes"], len(page.context["causes"])) == (234, 200)
    assert "34 more causes" in page.content.decode()


def test_what_a_vendor_wrote_is_text_on_the_cause_s_page_and_in_its_address(
    film: Film, browse: Browse
) -> None:
    nasty = "<script>&x=1#"
    import_data(film, cost_lines([cost_line(1, account=nasty)]))
    client = browse("amir")
    (cause,) = client.get(reverse("quarantine", args=[film.code])).context["causes"]
    page = client.get(cause["url"]).content.decode()
    assert html.escape(nasty) in page and nasty not in page
    assert "1</b> row" in page


def test_a_near_duplicate_is_released_on_its_page_and_taken_back_there(
    film: Film, browse: Browse
) -> None:
    header = "Vendor,Invoice Number,Invoice Date,Account Number,Amount"
    rows = ["Arri Rental,INV-0012,2026-01-14,3310,5.00", "ARRI Rental Inc,12,2026-01-14,3310,5.00"]
    import_data(film, table(header, rows), source="vendor-invoices", name="bills.csv")
    client = browse("amir")
    desk = client.get(reverse("quarantine", args=[film.code])).content.decode()
    assert "Probably posted already, written otherwise" in desk
    assert "stands in row 1 of this file" in desk and "Not a duplicate: post it" in desk
    with role("owner"):
        row = HeldRow.objects.get(production=film.production)
    url = reverse("quarantined_row", args=[film.code, row.pk])
    assert "Not a duplicate: post it" in client.get(url).content.decode()
    refused = client.post(url, {"action": "release", "reason": ""})
    assert refused.status_code == 422
    assert "say why it is not a duplicate" in refused.content.decode()
    assert client.post(url, {"action": "release", "reason": "a second body"}).status_code == 302
    do_the_work(film)
    page = client.get(url).content.decode()
    assert "Released as no duplicate" in page and "Undo the posting" in page
    assert client.post(url, {"action": "undo", "reason": ""}).status_code == 422
    taken_back = client.post(url, {"action": "undo", "reason": "it was the same after all"})
    assert taken_back.headers["Location"] == url
    assert "Undo the posting" not in client.get(url).content.decode(), "it is being taken back"
    do_the_work(film)
    page = client.get(url).content.decode()
    assert "Posted, then reversed" in page
    assert "Reversed in the ledger" in page and "it was the same after all" in page
