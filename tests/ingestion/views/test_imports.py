"""The import screen and the quarantine desk, as a person walks through them."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from ingestion import selectors
from ingestion.models import HeldRow, ImportBatch, RowRevision
from ingestion.screens.desk import as_text
from prodacct import server
from prodacct.celery import app
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import do_the_work

Browse = Callable[[str], Client]


def send(client: Client, film: Film, *files: tuple[str, bytes], **given: str) -> HttpResponse:
    """Send the form of the import screen."""
    sent: dict[str, Any] = {"source": "cost-lines", "unit": "MAIN", **given}
    sent["file"] = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(reverse("imports", args=[film.code]), sent)


def imports_of(film: Film) -> list[ImportBatch]:
    with role("web"), acting(film, "amir"):
        return list(selectors.imports(film.production))


def held_rows_of(film: Film) -> list[HeldRow]:
    with role("web"), acting(film, "amir"):
        return list(selectors.held_rows(film.production))


def decide(client: Client, film: Film, row: HeldRow, **given: str) -> HttpResponse:
    """Send the form of a held row as its page stands, with what is given changed."""
    url = reverse("quarantined_row", args=[film.code, row.pk])
    page = client.get(url)
    fields = {f"field-{f['name']}": f["value"] for f in page.context["fields"]}
    changed = {k if k in ("action", "reason") else f"field-{k}": v for k, v in given.items()}
    return client.post(url, {**fields, "reason": "", **changed})


def total_to_date(client: Client, film: Film) -> str:
    page = client.get(reverse("cost_report", args=[film.code]))
    return str(page.context["report"]["total_to_date"])


# --- handing a file in ---


def test_a_file_is_received_at_once_and_its_progress_is_asked_for_until_it_has_ended(
    film: Film, browse: Browse
) -> None:
    client = browse("amir")
    data = cost_lines([cost_line(1), cost_line(2, currency="US$")])
    response = send(client, film, ("wk2.csv", data))
    (batch,) = imports_of(film)
    detail = reverse("import_detail", args=[film.code, batch.pk])
    assert (response.status_code, response.headers["Location"]) == (302, detail)
    status = reverse("import_status", args=[film.code, batch.pk])
    for address in (detail, status):
        page = client.get(address).content.decode()
        assert f'hx-get="{status}"' in page and 'hx-trigger="every 1s"' in page
        assert "Received" in page and "Posted with quarantine" not in page
    do_the_work(film)
    for address in (detail, status):
        page = client.get(address).content.decode()
        assert "hx-get" not in page and "hx-trigger" not in page
        assert "Posted with quarantine" in page
        assert f"/quarantine/?batch={batch.pk}" in page
    fragment = client.get(status).content.decode()
    assert "<html" not in fragment and fragment.lstrip().startswith('<section id="batch-status"')
    assert total_to_date(client, film) == "125.00"


def test_the_list_of_imports_is_asked_for_again_only_while_one_is_under_way(
    film: Film, browse: Browse
) -> None:
    client = browse("amir")
    url = reverse("imports", args=[film.code])
    assert "Nothing received yet" in client.get(url).content.decode()
    send(client, film, ("a.csv", cost_lines([cost_line(1)])))
    assert 'hx-trigger="every 3s"' in client.get(url).content.decode()
    do_the_work(film)
    assert "hx-trigger" not in client.get(url).content.decode()


def test_the_same_file_again_says_who_received_it_and_posts_nothing(
    film: Film, browse: Browse
) -> None:
    client = browse("amir")
    data = cost_lines([cost_line(1)])
    first = send(client, film, ("wk2.csv", data))
    do_the_work(film)
    again = send(client, film, ("wk2 (1).csv", data))
    (batch,) = imports_of(film)
    assert again.headers["Location"] == first.headers["Location"] + "?repeat=1"
    page = client.get(again.headers["Location"]).content.decode()
    assert re.search(rf"Received [^<]* by Amir as batch {batch.pk}; nothing posted twice", page)
    do_the_work(film)
    assert total_to_date(client, film) == "125.00"
    assert [(b.rows, b.posted) for b in imports_of(film)] == [(1, 1)]


def test_the_same_bytes_in_two_files_of_one_form_make_one_import(
    film: Film, browse: Browse
) -> None:
    data = cost_lines([cost_line(1)])
    response = send(browse("amir"), film, ("a.csv", data), ("b.csv", data))
    assert response.status_code == 302
    assert [b.file_name for b in imports_of(film)] == ["a.csv"]


def test_several_files_at_once_are_each_an_import(film: Film, browse: Browse) -> None:
    client = browse("amir")
    files = [(f"wk{n}.csv", cost_lines([cost_line(n)])) for n in (1, 2, 3)]
    response = send(client, film, *files)
    assert response.headers["Location"] == reverse("imports", args=[film.code])
    assert [b.file_name for b in imports_of(film)] == ["wk3.csv", "wk2.csv", "wk1.csv"]
    do_the_work(film)
    assert total_to_date(client, film) == "375.00"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "file: choose the file the vendor sent"),
        ({"source": ""}, "source: expected one of cost-lines"),
        ({"source": "nonsense"}, "source: expected one of cost-lines"),
        ({"unit": ""}, "is not a unit of"),
        ({"unit": "NOWHERE"}, "&#x27;NOWHERE&#x27; is not a unit of"),
    ],
)
def test_a_form_that_lacks_something_comes_back_with_a_sentence_and_nothing_is_kept(
    film: Film, browse: Browse, given: dict[str, str], sentence: str
) -> None:
    files = [("a.csv", cost_lines([cost_line(1)]))] if given else []
    response = send(browse("amir"), film, *files, **given)
    assert response.status_code == 422
    page = response.content.decode()
    alert = re.search(r'<div id="form-error"([^>]*)><p>(.*?)</p>', page)
    assert alert is not None and "hidden" not in alert[1]
    assert sentence in alert[2]
    assert imports_of(film) == []


def test_of_several_files_with_one_that_is_refused_none_is_kept(
    film: Film, browse: Browse, settings: Any
) -> None:
    settings.MAX_FILE_BYTES = 500
    small, large = cost_lines([cost_line(1)]), cost_lines([cost_line(n) for n in range(9)])
    response = send(browse("amir"), film, ("small.csv", small), ("large.csv", large))
    assert response.status_code == 422
    assert "larger than 500 bytes" in response.content.decode()
    assert imports_of(film) == []


def test_the_form_keeps_what_was_chosen_when_it_comes_back(film: Film, browse: Browse) -> None:
    page = send(browse("amir"), film, source="pex-cards", unit="SECOND").content.decode()
    assert '<option value="pex-cards" selected>' in page
    assert '<option value="SECOND" selected>' in page


def test_an_empty_file_is_rejected_with_its_reason_on_the_page(film: Film, browse: Browse) -> None:
    client = browse("amir")
    response = send(client, film, ("empty.csv", b""))
    do_the_work(film)
    page = client.get(response.headers["Location"]).content.decode()
    assert "Rejected" in page and "hx-get" not in page
    (batch,) = imports_of(film)
    assert batch.reason and html.escape(batch.reason) in page


def test_an_upload_is_received_even_while_no_broker_answers(
    film: Film, browse: Browse, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A wake-up cannot be sent, and the sweep will do.
    nowhere = server.connection_string("broker", "no_such_database")
    monkeypatch.setitem(app.conf.broker_transport_options, "conn_string", nowhere)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    response = send(browse("amir"), film, ("a.csv", cost_lines([cost_line(1)])))
    assert response.status_code == 302
    assert "the sweep will find the work" in caplog.text
    do_the_work(film)
    assert [b.state for b in imports_of(film)] == ["posted"]


# --- the quarantine desk ---

FAULTS = [
    cost_line(1),
    cost_line(2, currency="US$", amount="10.00"),
    cost_line(3, currency="US$", amount="20.00"),
    cost_line(4, account="4410-2-0", amount="30.00"),
    cost_line(5, currency="US$", amount="40.00"),
    cost_line(6, amount='"12,5"'),
]


def test_held_rows_are_grouped_by_cause_the_commonest_first(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines(FAULTS))
    page = browse("amir").get(reverse("quarantine", args=[film.code]))
    causes = page.context["causes"]
    assert [(c["code"], c["found"], c["count"]) for c in causes] == [
        ("E_CURRENCY", "US$", 3),
        ("E_ACCOUNT", "4410-2-0", 1),
        ("E_AMOUNT", "12,5", 1),
    ]
    assert [row["row"] for row in causes[0]["rows"]] == [2, 3, 5]
    assert (page.context["summary"]["rows"], page.context["summary"]["causes"]) == (5, 3)
    held = {h["currency"]: h["amount"] for h in page.context["summary"]["held"]}
    assert held["USD"] == "30.00"
    text = page.content.decode()
    for row in held_rows_of(film):
        assert reverse("quarantined_row", args=[film.code, row.pk]) in text
    for line in FAULTS[1:]:
        assert html.escape(line) in text


def test_the_desk_can_be_narrowed_to_one_import_and_says_so(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(1, currency="US$")]), name="one.csv")
    second = import_data(film, cost_lines([cost_line(2, currency="US$")]), name="two.csv")
    client = browse("amir")
    url = reverse("quarantine", args=[film.code])
    everything, narrowed = client.get(url), client.get(f"{url}?batch={second.pk}")
    assert everything.context["summary"]["rows"] == 2
    assert narrowed.context["summary"]["rows"] == 1
    assert "All held rows" in narrowed.content.decode()
    assert "All held rows" not in everything.content.decode()


def test_nothing_held_is_said_in_words(film: Film, browse: Browse) -> None:
    page = browse("amir").get(reverse("quarantine", args=[film.code])).content.decode()
    assert "Nothing held. Last check" in page


def test_a_row_shows_what_came_what_is_wrong_and_what_to_do(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines(FAULTS))
    row = held_rows_of(film)[0]
    page = browse("amir").get(reverse("quarantined_row", args=[film.code, row.pk]))
    text = page.content.decode()
    assert FAULTS[1] in text
    assert page.context["row"]["line"] == 3
    wrong = {f["name"]: f["problems"] for f in page.context["fields"] if f["problems"]}
    assert set(wrong) == {"currency"}
    assert wrong["currency"][0]["found"] == "US$"
    assert 'id="f-currency" name="field-currency" value="US$"' in text
    assert bytes(row.payload_sha256).hex() in text


def test_a_fixed_row_goes_through_the_gate_is_posted_and_shows_in_the_cost_report(
    film: Film, browse: Browse
) -> None:
    import_data(film, cost_lines(FAULTS))
    client = browse("amir")
    row = held_rows_of(film)[0]
    url = reverse("quarantined_row", args=[film.code, row.pk])
    assert total_to_date(client, film) == "125.00"
    response = decide(client, film, row, action="resubmit", currency="USD", reason="their form")
    # The next row of the same cause, and word of the one that was handed in.
    following = held_rows_of(film)[1]
    place = f"?cause=E_CURRENCY%7Ccurrency%7CUS%24&done={row.pk}"
    after = reverse("quarantined_row", args=[film.code, following.pk]) + place
    assert (response.status_code, response.headers["Location"]) == (302, after)
    page = client.get(after).content.decode()
    assert "Row 2 of costs.csv is handed in" in page and "autofocus" in page
    assert "Resubmitted: the checks are running" in client.get(url).content.decode()
    with role("web"), acting(film, "amir"):
        revision = RowRevision.objects.get(held_row=row)
    assert (revision.values, revision.reason) == ({"currency": "USD"}, "their form")
    assert revision.made_by_id == film.cast["amir"].pk
    do_the_work(film)
    page = client.get(url)
    assert page.context["row"]["state"] == "posted"
    assert FAULTS[1] in page.content.decode(), "what was received never changes"
    assert [event["what"] for event in page.context["history"]] == [
        "Held",
        "Resubmitted",
        "Posted",
    ]
    assert total_to_date(client, film) == "135.00"
    (batch,) = imports_of(film)
    assert (batch.posted, batch.quarantined) == (2, 4)
    assert len(held_rows_of(film)) == 4


def test_a_fix_that_is_still_wrong_is_held_again_with_the_new_reason(
    film: Film, browse: Browse
) -> None:
    import_data(film, cost_lines([cost_line(2, currency="US$", amount="10.00")]))
    client = browse("amir")
    (row,) = held_rows_of(film)
    decide(client, film, row, action="resubmit", currency="DOLLARS")
    do_the_work(film)
    page = client.get(reverse("quarantined_row", args=[film.code, row.pk]))
    assert page.context["row"]["state"] == "held"
    problems = {f["name"]: f["problems"] for f in page.context["fields"] if f["problems"]}
    assert problems["currency"][0]["found"] == "DOLLARS"
    decide(client, film, row, action="resubmit", currency="USD")
    do_the_work(film)
    assert total_to_date(client, film) == "10.00"


def test_a_rejection_needs_a_reason_which_stays_on_record(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(2, currency="US$")]))
    client = browse("amir")
    (row,) = held_rows_of(film)
    refused = decide(client, film, row, action="reject", reason="  ")
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "say why the row is rejected" in text and 'class="notice bad"' in text
    assert [r.state for r in held_rows_of(film)] == ["held"]
    assert decide(client, film, row, action="reject", reason="sent twice").status_code == 302
    do_the_work(film)
    page = client.get(reverse("quarantined_row", args=[film.code, row.pk]))
    assert page.context["row"]["state"] == "rejected"
    assert "sent twice" in page.content.decode()
    assert held_rows_of(film) == []
    assert client.get(reverse("cost_report", args=[film.code])).context["report"]["sections"] == []


def test_a_refused_decision_gives_back_what_was_typed(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(2, currency="US$")]))
    (row,) = held_rows_of(film)
    page = decide(browse("amir"), film, row, action="", currency="USD", reason="my words")
    assert page.status_code == 422
    values = {f["name"]: f["value"] for f in page.context["fields"]}
    assert values["currency"] == "USD"
    assert 'value="my words"' in page.content.decode()


def test_a_row_resubmitted_twice_is_refused_the_second_time(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(2, currency="US$")]))
    client = browse("amir")
    (row,) = held_rows_of(film)
    given = {"action": "resubmit", "field-currency": "USD"}
    url = reverse("quarantined_row", args=[film.code, row.pk])
    assert client.post(url, given).status_code == 302
    for _ in range(2):
        second = client.post(url, given)
        assert second.status_code == 422
        assert "is not held any more" in second.content.decode()
        do_the_work(film)
    with role("web"), acting(film, "amir"):
        assert RowRevision.objects.filter(held_row=row).count() == 1
    assert total_to_date(client, film) == "125.00"


def test_previous_and_next_walk_the_held_rows(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines(FAULTS))
    client = browse("amir")
    rows = held_rows_of(film)
    urls = [reverse("quarantined_row", args=[film.code, row.pk]) for row in rows]
    for at, url in enumerate(urls):
        page = client.get(url)
        assert page.context["previous_url"] == (urls[at - 1] if at else None)
        assert page.context["next_url"] == (urls[at + 1] if at + 1 < len(urls) else None)


def test_a_field_the_person_left_alone_is_not_changed_by_the_browsers_one_line_box(
    film: Film, browse: Browse
) -> None:
    text = cost_line(1, vendor='"Quay\nLenses"', currency="US$")
    import_data(film, cost_lines([text]))
    (row,) = held_rows_of(film)
    decide(browse("amir"), film, row, action="resubmit", currency="USD", vendor="QuayLenses")
    with role("web"), acting(film, "amir"):
        assert RowRevision.objects.get(held_row=row).values == {"currency": "USD"}


def test_the_number_of_held_rows_stands_in_the_menu(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines(FAULTS))
    nav = browse("amir").get(reverse("cost_report", args=[film.code])).context["nav"]
    assert {item["label"]: item["count"] for item in nav if item["count"] is not None} == {
        "Quarantine": 5
    }
    nav = browse("cho").get(reverse("cost_report", args=[film.code])).context["nav"]
    labels = [item["label"] for item in nav]
    assert "Cost report" in labels
    assert not {"Budget", "Import", "Quarantine"} & set(labels)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_held_rows_bytes_are_shown_in_the_encoding_of_its_file(encoding: str) -> None:
    text = "TX1,3310,CAM,10.00,US$,IATSE,Caméra\r\n"
    declared = encoding if encoding == "cp1252" else ""
    assert as_text(text.encode(encoding), declared) == text


def test_a_byte_that_is_no_text_is_marked_and_not_dropped() -> None:
    assert as_text(b"a\xffb") == "a\ufffdb"


def test_a_file_of_another_source_is_rejected_with_the_step_that_helps(
    film: Film, browse: Browse
) -> None:
    client = browse("amir")
    data = cost_lines([cost_line(1)])
    response = send(client, film, ("costs.csv", data), source="vendor-invoices")
    do_the_work(film)
    page = client.get(response.headers["Location"]).content.decode()
    assert "E_HEADER" in page
    assert "It was read as: Vendor invoices. If it is of another kind, choose that source" in page
    again = send(client, film, ("costs.csv", data))
    assert again.headers["Location"] != response.headers["Location"], "it may be sent again"
    do_the_work(film)
    assert total_to_date(client, film) == "125.00"


def test_no_source_is_chosen_before_a_person_chooses(film: Film, browse: Browse) -> None:
    page = browse("amir").get(reverse("imports", args=[film.code])).content.decode()
    assert '<option value="">Choose a source</option>' in page
    assert " selected" not in page.partition("</select>")[0]
