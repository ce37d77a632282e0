"""The commands of foreign exchange, as scripts run them."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from reports.management.commands import load_rates
from tests.factories import Film, role
from tests.ledger.fx_house import bill, history, load


@pytest.fixture(autouse=True)
def worker() -> Iterator[None]:
    with role("worker"):
        yield


def run(name: str, *words: str) -> str:
    out = StringIO()
    call_command(name, *words, stdout=out)
    return out.getvalue()


def test_rates_are_loaded_holes_filled_and_the_register_tells(film: Film, tmp_path: Path) -> None:
    bill(film)
    bill(film, 2, "5.00", "2026-01-14", "GBP")
    file = tmp_path / "eurofxref-hist.csv"
    file.write_bytes(history())
    said = run("load_rates", str(file), "--production", film.code)
    assert said.splitlines()[0] == (
        f"{film.code}: 5 days new, 0 corrected, 0 known, 0 before the production; "
        "1 documents converted"
    )
    assert "No rate from GBP to USD for 14 Jan 2026" in said
    again = json.loads(run("load_rates", str(file), "--production", film.code, "--json"))
    assert (again["known"], again["converted"]) == (5, 0)
    assert again["missing"] == [{"currency": "GBP", "day": "2026-01-14"}]

    found = json.loads(run("fx_register", "--production", film.code, "--json"))
    used = {(r["day"], r["path"]): (r["rate"], r["used"]) for r in found["rates"]}
    assert used["2026-01-14", "CAD>EUR>USD"] == ("0.78125", 1)
    assert [(h["currency"], h["amount"], h["documents"]) for h in found["holes"]] == [
        ("GBP", "5.00", 1)
    ]
    assert "Hole: GBP 5.00 of 14 Jan 2026" in run("fx_register", "--production", film.code)


def test_a_week_is_revalued_and_the_trial_balance_in_our_currency_agrees(film: Film) -> None:
    load(film)
    bill(film)
    said = run("revalue_period", "--production", film.code, "--period", "3")
    assert "Wk 3, 25 Jan 2026: (58.75) USD unrealised, posted in 1 batches" in said
    balance = json.loads(run("trial_balance", "--production", film.code, "--base", "--format",
                             "json"))  # fmt: skip
    assert balance["totals"] == {"USD": {"debit": "781.25", "credit": "781.25"}}
    with pytest.raises(CommandError, match="Wk 13 is not open"):
        run("revalue_period", "--production", film.code, "--period", "12")


def test_what_waited_is_converted_by_command(film: Film) -> None:
    bill(film)
    load(film)
    assert run("convert_holes", "--production", film.code) == "1 documents converted, 1 lines\n"


def test_a_file_that_is_not_there_or_not_rates_is_refused(film: Film, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a file"):
        run("load_rates", str(tmp_path / "none.csv"), "--production", film.code)
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(b"Date,USD,\n2026-01-14,x,\n")
    with pytest.raises(CommandError, match="Line 2, USD"):
        run("load_rates", str(wrong), "--production", film.code)
    with pytest.raises(CommandError, match="source: expected one of ecb"):
        run("load_rates", str(wrong), "--production", film.code, "--source", "a friend")


def test_an_address_outside_the_list_is_refused(film: Film) -> None:
    for url in ("http://www.ecb.europa.eu/a.csv", "https://169.254.169.254/a.csv"):
        with pytest.raises(CommandError, match="address: expected"):
            run("load_rates", url, "--production", film.code)


def test_what_is_fetched_is_kept_with_its_address(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def network(url: str, allowed: frozenset[str]) -> bytes:
        asked.append((url, allowed))
        return history()

    monkeypatch.setattr(load_rates, "fetch", network)
    bill(film)
    url = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.csv"
    run("load_rates", url, "--production", film.code)
    assert asked == [(url, frozenset({"www.ecb.europa.eu"}))]
    found = json.loads(run("fx_register", "--production", film.code, "--json"))
    assert {r["url"] for r in found["rates"]} == {url}
