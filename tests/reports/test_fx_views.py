"""The FX register's page, as an accountant, a line producer and a department head ask for it."""

from collections.abc import Callable

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.factories import Film
from tests.ledger.fx_house import bill, history, load

Browse = Callable[[str], Client]


def send(client: Client, film: Film, data: bytes, reason: str = "", name: str = "rates.csv"):  # type: ignore[no-untyped-def]
    file = SimpleUploadedFile(name, data)
    url = reverse("fx_rates", args=[film.code])
    return client.post(url, {"file": file, "reason": reason}, follow=True)


def page(client: Client, film: Film) -> str:
    return client.get(reverse("fx_register", args=[film.code])).content.decode()


def test_a_hole_is_listed_with_what_to_do_until_its_rate_is_loaded(
    film: Film, browse: Browse
) -> None:
    bill(film)
    amir = browse("amir")
    before = page(amir, film)
    assert "No rate from CAD to USD for 14 Jan 2026" in before
    assert "1,000.00" in before
    answer = send(amir, film, history())
    said = answer.content.decode()
    assert "5 days new, 0 corrected, 0 known already. 1 documents converted." in said
    assert "No amount waits for a rate." in said
    assert "0.78125" in said
    assert "CAD&gt;EUR&gt;USD" in said


def test_a_correction_is_refused_without_a_reason_and_shows_what_used_the_old_rate(
    film: Film, browse: Browse
) -> None:
    load(film)
    bill(film)
    amir = browse("amir")
    wrong = b"Date,USD,CAD,\n2026-01-14,1.25,1.00,\n"
    refused = send(amir, film, wrong)
    assert refused.status_code == 409
    assert "the 1 lines converted with the rates of that day keep them" in refused.content.decode()
    said = send(amir, film, wrong, reason="published in error").content.decode()
    assert "corrected since" in said
    assert "published in error" in said
    assert "Converted at a rate that was corrected later" in said
    assert "TX000001" in said


def test_a_file_that_is_no_rates_file_is_refused_with_its_line(film: Film, browse: Browse) -> None:
    answer = send(browse("amir"), film, b"Date,USD,\n2026-01-14,1.2.3,\n")
    assert answer.status_code == 422
    assert "Line 2, USD: expected a rate above zero" in answer.content.decode()
    assert send(browse("amir"), film, b"\0" * 100).status_code == 422


def test_what_is_ready_is_converted_at_the_press_of_a_button(film: Film, browse: Browse) -> None:
    bill(film)
    load(film)
    amir = browse("amir")
    assert "Convert 1 documents" in page(amir, film)
    url = reverse("fx_rates", args=[film.code])
    assert "1 documents converted" in amir.post(url, {"convert": "1"}, follow=True).content.decode()
    assert "Convert 1 documents" not in page(amir, film)


def test_the_line_producer_reads_and_does_not_load(film: Film, browse: Browse) -> None:
    load(film)
    bill(film)
    lena = browse("lena")
    said = page(lena, film)
    assert "0.78125" in said
    assert "Load rates" not in said
    assert "rates.csv" not in said, "files as received are opened by those who import"
    assert send(lena, film, history()).status_code == 404


def test_a_department_head_and_a_stranger_find_nothing(film: Film, browse: Browse) -> None:
    for person in ("cho", "bea", "otto"):
        client = browse(person)
        assert client.get(reverse("fx_register", args=[film.code])).status_code == 404
        assert send(client, film, history()).status_code == 404


def test_a_difference_is_shown_as_a_value_on_its_document(film: Film, browse: Browse) -> None:
    from datetime import date

    from tests.ledger.fx_house import pay

    load(film)
    bill(film)
    batch = pay(film, "1000.00", date(2026, 1, 23))
    url = reverse("transaction", args=[film.code, f"{batch.pk}-1"])
    legs = browse("amir").get(url).context["legs"]
    assert [(leg["account"], leg["debit"], leg["credit"], leg["currency"]) for leg in legs] == [
        ("0300", "1,000.00", "", "CAD"), ("0100", "", "1,000.00", "CAD"),
        ("7015", "58.75", "", "USD"), ("0300", "", "58.75", "USD"),
    ]  # fmt: skip
    assert "58.75" in page(browse("amir"), film)
