"""The bank on the screens: accounts named, statements with balances, lines with their bytes."""

from typing import Any

import pytest

from tests.factories import Cast, Film, import_data, make_film, role
from tests.ingestion.formats.bank_files import FILES
from tests.purchasing.desk import Browse, text_of, url

ACCOUNT = {"name": "Checking", "currency": "USD", "account": "0100", "identifiers": ""}


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    with role("owner"):
        return make_film(cast)


def change(film: Film, browse: Browse, **sent: str) -> Any:
    return browse("amir").post(url(film, "bank_change"), sent)


def test_from_an_account_to_the_bytes_of_a_line(film: Film, browse: Browse) -> None:
    amir, here = browse("amir"), url(film, "bank")
    assert "No statements yet" in text_of(amir.get(here))
    assert change(film, browse, **{**ACCOUNT, "account": "0300"}).status_code == 422
    assert change(film, browse, **ACCOUNT).status_code == 302
    (account,) = amir.get(here).context["accounts"]
    refused = import_data(film, FILES["sgml.ofx"], name="a.ofx", source="bank-statement")
    assert "111000025/7788" in refused.reason
    named = change(film, browse, of=str(account["id"]), identifier="111000025/7788")
    assert named.status_code == 302
    batch = import_data(film, FILES["sgml.ofx"], name="a.ofx", source="bank-statement")
    assert (batch.state, batch.posted) == ("posted", 2)
    (statement,) = amir.get(here).context["statements"]
    assert (statement["closing"], statement["lines"], statement["kept"]) == ("8,875.00", 2, 2)
    page = amir.get(statement["url"])
    first, _ = page.context["lines"]
    assert (first["amount"], first["booked_on"]) == ("(125.00)", "14 Jan 2026")
    line = amir.get(first["url"])
    assert "<STMTTRN>" in line.context["raw"]
    assert "PANAVISION &amp; CO" in line.content.decode()
    assert browse("lena").get(first["url"]).status_code in {403, 404}


def test_who_may_see_and_who_may_change(film: Film, browse: Browse) -> None:
    assert browse("cho").get(url(film, "bank")).status_code in {403, 404}
    assert browse("bea").get(url(film, "bank")).status_code in {403, 404}
    assert browse("lena").post(url(film, "bank_change"), ACCOUNT).status_code in {403, 404}


def test_an_account_is_expected_no_more_and_again(film: Film, browse: Browse) -> None:
    change(film, browse, **{**ACCOUNT, "name": "Float", "account": "0150"})
    rows = {a["name"]: a for a in browse("amir").get(url(film, "bank")).context["accounts"]}
    at = str(rows["Float"]["id"])
    for wanted in ("no", "yes"):
        assert change(film, browse, of=at, active=wanted).status_code == 302
        rows = {a["name"]: a for a in browse("amir").get(url(film, "bank")).context["accounts"]}
        assert rows["Float"]["is_active"] == (wanted == "yes")
    assert change(film, browse, of="987654321", active="no").status_code == 404
    assert change(film, browse, of=at, identifier="").status_code == 422
