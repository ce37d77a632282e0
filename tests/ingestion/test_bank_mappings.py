"""A bank's table whose columns nobody knows waits for a person; what is decided reads the next."""

from typing import Any

import pytest
from django.urls import reverse

from access.errors import Invalid
from ingestion import mappings, selectors
from ingestion.formats.records import Reading
from ingestion.gate import bank_reading
from ingestion.layouts import rules
from ingestion.layouts.sources import REGISTRY
from ingestion.mappings import Proposal
from ingestion.models import ImportBatch
from ledger.statement_tables import BankAccount
from tests.factories import Film, acting, import_data, role
from tests.ingestion.books import counts, do_the_work, table
from tests.ingestion.test_mappings import add_rule
from tests.ledger.banking import banked, stored

FOREIGN = "Buchungstag;Verwendungszweck;Betrag;Saldo"
ROWS = ["14.01.2026;Miete;-1.200,50;8.799,50", "15.01.2026;Einzahlung;100,00;8.899,50"]
CHOSEN = {0: "date", 1: "label", 2: "amount", 3: "balance"}
WRITING = {"decimal": ",", "date_formats": ["%d.%m.%Y"], "delimiter": ";"}


@pytest.fixture
def bank(film: Film) -> BankAccount:
    return banked(film, name="Checking")


def sent(film: Film, data: bytes, bank: BankAccount, source: str = "bank-csv") -> ImportBatch:
    return import_data(film, data, source=source, choices={"bank_account": str(bank.pk)})


def accept(film: Film, batch: ImportBatch, choices: dict[int, str], **normal: Any) -> ImportBatch:
    """Accept what the columns are, and let the worker go on."""
    with role("web"), acting(film, "amir"):
        mappings.accept_mapping(
            actor=film.cast["amir"], batch=batch, proposal=Proposal(choices, normal),
            header=batch.shape["header"], reason="the bank's own words",
        )  # fmt: skip
    do_the_work(film)
    batch.refresh_from_db()
    return batch


def amounts(film: Film, bank: BankAccount) -> list[str]:
    return [amount for _, amount, _ in stored(film, bank)]


def test_a_table_in_another_language_waits_and_is_read_as_decided(
    film: Film, bank: BankAccount
) -> None:
    batch = sent(film, table(FOREIGN, ROWS), bank)
    assert (batch.state, batch.code) == ("mapping_needed", "E_HEADER")
    assert batch.shape["header"] == FOREIGN.split(";")
    assert batch.shape["samples"][1] == ["Miete", "Einzahlung"]
    done = accept(film, batch, CHOSEN, **WRITING)
    assert (done.state, counts(done)) == ("posted", (2, 2, 0, 0))
    assert done.mapping == "bank-csv v1+1"
    assert amounts(film, bank) == ["-1200.5000", "100.0000"]
    again = sent(film, table(FOREIGN, [ROWS[1], "16.01.2026;Fee;-1,00;8.898,50"]), bank)
    assert (again.state, counts(again)) == ("posted", (2, 1, 1, 0)), "by what was decided"


def test_a_known_table_with_an_unknown_column_of_money_waits(film: Film, bank: BankAccount) -> None:
    header = "Date,Label,Amount,Bank Fee"
    batch = sent(film, table(header, ["2026-01-14,Rent,-5.00,0.10"]), bank)
    assert batch.state == "mapping_needed"
    assert "'Bank Fee' is unknown and seems to hold money" in batch.reason
    with pytest.raises(Invalid, match="seems to hold money"):
        accept(film, batch, {})
    done = accept(film, batch, {3: "ignore"})
    assert counts(done) == (1, 1, 0, 0)
    assert "column 'Bank Fee' is not read" in done.notes


def test_a_choice_that_leaves_the_amounts_in_no_shape_is_refused(
    film: Film, bank: BankAccount
) -> None:
    batch = sent(film, table(FOREIGN, ROWS), bank)
    with pytest.raises(Invalid, match="either Amount"):
        accept(film, batch, {0: "date", 1: "label", 2: "debit", 3: "balance"}, **WRITING)
    with pytest.raises(Invalid, match="no column is read as label"):
        accept(film, batch, {0: "date", 2: "amount", 3: "balance"}, **WRITING)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"1,2,3\n4,5,6\n", "E_HEADER"),
        (b"only one\nvalue\n", "E_HEADER"),
        (b"transaction_id,account_code,cost_center,amount,currency,jurisdiction,transaction_date,"
         b"vendor\n1,3310,CAM,5.00,USD,CA,2026-01-14,Arri\n", "E_HEADER"),
    ],
)  # fmt: skip
def test_what_has_no_header_or_is_another_source_s_is_rejected(
    film: Film, bank: BankAccount, data: bytes, code: str
) -> None:
    batch = sent(film, data, bank)
    assert (batch.state, batch.code) == ("rejected", code)


def test_dates_decimals_signs_and_words_of_a_source_are_read_for_a_bank_s_table(
    film: Film, bank: BankAccount
) -> None:
    add_rule(film, "bank-csv", kind="normal", **WRITING, sign="reversed")
    add_rule(film, "bank-csv", kind="word", field="currency", found="US$", meant="USD")
    header = "Date;Label;Amount;Balance;Currency"
    rows = ["14.01.2026;Rent;1.200,50;-8.799,50;US$", "15.01.2026;In;-100,00;-8.899,50;US$"]
    batch = sent(film, table(header, rows), bank)
    assert (batch.reason, counts(batch)) == ("", (2, 2, 0, 0))
    assert amounts(film, bank) == ["-1200.5000", "100.0000"]


def opened(header: str, *rows: str, source: str = "bank-csv", **normal: Any) -> Reading:
    said = rules.with_normal(rules.Rules(), **normal)
    mapping = rules.applied(REGISTRY[source], said, 1)
    return bank_reading.open_bank_file("x.csv", [table(header, rows)], mapping, None)


def test_a_card_s_signs_are_reversed_from_its_own_way() -> None:
    row = "2026-01-14,Lunch,12.00"
    read = [
        str(opened("Date,Label,Amount", row, source="bank-card-csv", sign=sign).statements[0].total)
        for sign in ("as written", "reversed")
    ]
    assert read == ["-12.00", "12.00"]


def test_the_wizard_offers_a_bank_s_own_fields_and_tries_the_file(
    film: Film, bank: BankAccount, browse: Any
) -> None:
    batch = sent(film, table(FOREIGN, ROWS), bank)
    with role("web"):
        client, url = browse("amir"), reverse("import_mapping", args=[film.code, batch.pk])
        page = client.get(url)
        offered = {c["value"] for c in page.context["columns"][0]["choices"]}
        assert {"date", "label", "amount", "balance", "counterparty"} <= offered
        assert "cost_center" not in offered
        asked = {f"column-{place}": field for place, field in CHOSEN.items()}
        asked |= {"number": "0", "action": "dry_run", "decimal": ",", "delimiter": ";",
                  "date_format": "%d.%m.%Y"}  # fmt: skip
        assert client.post(url, asked).status_code == 302
    do_the_work(film)
    with role("web"):
        effect = client.get(url).context["effect"]
    assert (effect["posted"], effect["quarantined"], effect["reason"]) == (2, 0, "")
    assert effect["totals"] == ["-1,100.50 USD"]
    assert amounts(film, bank) == [], "nothing of it is kept"
    with role("web"), acting(film, "amir"):
        found = selectors.import_by_id(film.production, batch.pk)
        assert found is not None
        assert found.state == "mapping_needed"
