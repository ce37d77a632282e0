"""The mapping wizard and the registry, as a browser without JavaScript uses them."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from ingestion import dry_runs, selectors
from ingestion.models import ImportBatch, MappingVersion
from tests.factories import Film, acting, import_data, role
from tests.ingestion.books import counts, do_the_work, entries, table
from tests.ingestion.deciding import payroll, waiting
from tests.signing_in import sign_in

Browse = Callable[[str], Client]


@pytest.fixture
def browse(film: Film) -> Browse:
    def make(name: str) -> Client:
        client = Client(SERVER_NAME="localhost")
        sign_in(client, film.cast[name])
        return client

    return make


def where(film: Film, batch: ImportBatch) -> str:
    return reverse("import_mapping", args=[film.code, batch.pk])


def test_a_person_tries_a_mapping_without_posting_and_then_accepts_it(
    film: Film, browse: Browse
) -> None:
    import_data(film, payroll(1, gross="Gross Wages"), source="wrapbook-payroll")
    batch = waiting(film, payroll(3).replace(b"300.00,3301", b"300.00,9999"))
    with role("web"):
        client, url = browse("amir"), where(film, batch)
        page = client.get(url)
        column = next(c for c in page.context["columns"] if c["header"] == "GROSS PAY")
        assert column["status"] == "New, holds money"
        assert column["samples"] == ["100.00", "200.00", "300.00"]
        assert column["why"].startswith("Amount: Gross Pay: OFX")
        asked = {"number": "0", "column-4": "amount", "reason": "they renamed it"}
        tried = client.post(url, {**asked, "action": "dry_run"})
        assert tried.headers["Location"] == f"{url}#effect"
        effect = client.get(url).context["effect"]
        assert (effect["posted"], effect["duplicate"], effect["quarantined"]) == (1, 1, 1)
        assert effect["totals"] == ["200.00 USD"]
        assert effect["causes"][0]["found"] == "9999"
        body = client.get(url).content.decode()
        assert 'value="amount" selected' in body, "what was tried stands in the form"
        assert f"Accept as {page.context['next']} and post" in body
    assert [e.amount for e in entries(film)] == ["100.00"], "nothing of it is posted"
    with role("web"):
        done = client.post(url, {**asked, "action": "accept"})
        assert done.headers["Location"] == reverse("import_detail", args=[film.code, batch.pk])
    do_the_work(film)
    batch.refresh_from_db()
    assert counts(batch) == (3, 1, 1, 1), "exactly what the dry run said"
    with role("web"):
        again = client.post(url, {**asked, "action": "accept"})
        assert again.status_code == 422
        assert "does not wait" in again.content.decode()
        log = client.get(reverse("mappings", args=[film.code])).content.decode()
    assert "they renamed it" in log
    assert "Column &#x27;GROSS PAY&#x27; is read as amount" in log


def test_what_cannot_be_read_is_refused_with_the_choices_kept(film: Film, browse: Browse) -> None:
    batch = waiting(film, payroll())
    with role("web"):
        answer = browse("amir").post(
            where(film, batch), {"number": "0", "column-4": "ignore", "action": "accept"}
        )
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "no column is read as amount" in page
        assert '<option value="ignore" selected>Leave it out</option>' in page
        for bad in ({"number": "x"}, {"number": "0", "column-4": "nonsense"}, {}):
            sent = {**bad, "action": "accept"}
            assert browse("amir").post(where(film, batch), sent).status_code == 422


def test_a_file_is_looked_at_again_in_the_encoding_a_person_says(
    film: Film, browse: Browse
) -> None:
    data = payroll(1).decode().replace("Worker 0", "Zoë").encode("cp1252")
    batch = waiting(film, data)
    asked = {"number": "0", "column-4": "amount", "encoding": "cp1252"}
    with role("web"):
        page = browse("amir").post(where(film, batch), {**asked, "action": "look"})
        assert page.status_code == 200
        assert page.context["columns"][0]["samples"] == ["Zoë"]
        wrong = browse("amir").post(where(film, batch), {**asked, "delimiter": "|"})
        assert wrong.status_code == 422
        browse("amir").post(where(film, batch), {**asked, "action": "accept"})
    do_the_work(film)
    batch.refresh_from_db()
    assert counts(batch) == (1, 1, 0, 0)


def test_a_large_file_is_tried_by_the_worker_up_to_a_stated_number_of_rows(
    film: Film, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_runs, "AT_ONCE_BYTES", 10)
    monkeypatch.setattr(dry_runs, "MOST_ROWS", 50)
    monkeypatch.setattr("ingestion.gate.pipeline.CHUNK_ROWS", 25)
    batch = waiting(film, payroll(70))
    asked = {"number": "0", "column-4": "amount", "action": "dry_run"}
    with role("web"):
        client = browse("amir")
        client.post(where(film, batch), asked)
        assert 'hx-trigger="every 1s"' in client.get(where(film, batch)).content.decode()
    do_the_work(film)
    with role("web"):
        page = client.get(where(film, batch))
        assert page.context["effect"]["posted"] == 50
        body = page.content.decode()
        assert "every 1s" not in body
        assert "Only the first 50 rows were looked at" in body
    assert entries(film) == []


def test_a_row_that_stands_twice_in_a_file_counts_once_across_chunks(
    film: Film, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.gate.pipeline.CHUNK_ROWS", 2)
    header = "transaction_id,account_code,cost_center,amount,currency,jurisdiction,day,vendor"
    rows = [f"T{n % 3},3310,CAM,1.00,USD,IATSE,2026-01-14,Arri" for n in range(6)]
    batch = waiting(film, table(header, rows), "cost-lines")
    with role("web"):
        client = browse("amir")
        asked = {"number": "0", "column-6": "transaction_date"}
        client.post(where(film, batch), {**asked, "action": "dry_run"})
        effect = client.get(where(film, batch)).context["effect"]
        assert (effect["posted"], effect["duplicate"]) == (3, 3)
        client.post(where(film, batch), {**asked, "action": "accept"})
    do_the_work(film)
    batch.refresh_from_db()
    assert counts(batch) == (6, 3, 3, 0)


def test_a_column_that_was_passed_over_is_decided_in_the_drift_log(
    film: Film, browse: Browse
) -> None:
    invoices = table("Vendor,Invoice Number,Invoice Date,Account Number,Amount,Shelf",
                     ["Arri,1,2026-01-14,3310,5.00,B"])  # fmt: skip
    import_data(film, invoices, source="vendor-invoices")
    url = reverse("mappings", args=[film.code])
    with role("web"):
        client = browse("amir")
        assert "Leave Shelf out from now on" in client.get(url).content.decode()
        said = {"source": "vendor-invoices", "header": "Shelf", "reason": "no cost"}
        assert client.post(url, said).status_code == 302
        page = client.get(url).content.decode()
        assert "Leave Shelf out from now on" not in page
        assert "Column &#x27;Shelf&#x27; is left out" in page
        writes = {"source": "pex-cards", "decimal": ",", "reason": "from Berlin"}
        assert client.post(url, writes).status_code == 302
        assert client.post(url, writes).status_code == 422, "it says so already"
        assert client.post(url, {"source": "nonsense", "reason": "x"}).status_code == 422
    with acting(film, "amir"):
        kept = selectors.newest_version(film.production, "pex-cards")
    assert kept is not None
    assert kept.rules == {"decimal": ","}
    assert MappingVersion.objects.filter(production=film.production).count() == 2


def test_how_one_file_is_written_may_be_said_when_it_is_handed_in(
    film: Film, browse: Browse
) -> None:
    data = table("Vendor|Invoice Number|Invoice Date|Account Number|Amount",
                 ["Zoë|1|14.01.2026|3310|1.234,50"]).decode().encode("cp1252")  # fmt: skip
    sent = {
        "source": "vendor-invoices", "unit": "MAIN", "encoding": "cp1252", "delimiter": "pipe",
        "decimal": ",", "date_format": "%d.%m.%Y",
    }  # fmt: skip
    with role("web"):
        client, url = browse("amir"), reverse("imports", args=[film.code])
        page = client.post(
            url, {**sent, "file": SimpleUploadedFile("a.csv", data), "delimiter": "xx"}
        )
        assert page.status_code == 422
        assert '<option value="cp1252" selected>' in page.content.decode()
        assert (
            client.post(url, {**sent, "file": SimpleUploadedFile("a.csv", data)}).status_code == 302
        )
    do_the_work(film)
    with acting(film, "amir"):
        done = selectors.imports(film.production).get()
    assert (done.state, done.reason) == ("posted", ""), done.declared
    assert [(e.reference, e.amount) for e in entries(film)] == [("1", "1234.50")]
    with acting(film, "amir"):
        assert selectors.newest_version(film.production, "vendor-invoices") is None
