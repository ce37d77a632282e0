"""A bank's lines are taken once per account, whatever file they come in, and stay as they came."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from access.errors import Invalid
from ledger import selectors
from ledger.statement_tables import BankAccount
from ledger.statements import NewBankAccount, add_bank_account, add_identifier, use_bank_account
from ledger.verify import verify_production
from tests.factories import Cast, Film, acting, make_film, role
from tests.ledger.banking import DAY, banked, fates, line, stored, taken
from tests.ledger.raw_batches import query
from tests.ledger.tampering import tampering


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    with role("owner"):
        return make_film(cast)


@pytest.fixture(scope="module")
def bank(film: Film) -> BankAccount:
    return banked(film, identifiers="DE89 3704-0044\n\n111000025/7788")


def other(film: Film, number: int) -> BankAccount:
    """Another account at the bank, on an account of the chart of its own."""
    with role("owner"):
        query(
            "INSERT INTO ledger_account (production_id, code, name, line, kind, normal_side,"
            " statement, is_postable, clearing_role) SELECT production_id, %s, 'Cash', '', '',"
            " 'debit', 'balance sheet', true, '' FROM ledger_account"
            " WHERE production_id = %s LIMIT 1",
            f"019{number}",
            film.production.pk,
        )
    return banked(film, name=f"Cash {number}", account=f"019{number}")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "Name"),
        ({"name": "checking"}, "there already"),
        ({"currency": "US$"}, "Currency"),
        ({"account": "9999"}, "Ledger account"),
        ({"account": "3310"}, "Ledger account"),
        ({"account": "0300"}, "Ledger account"),
        ({"account": "0100"}, "stands for Checking already"),
    ],
)
def test_an_account_that_is_not_one_is_refused(
    film: Film, bank: BankAccount, changed: dict[str, str], said: str
) -> None:
    asked = {"name": "New", "currency": "usd", "account": "0150", "identifiers": "1", **changed}
    with role("web"), acting(film, "amir"), pytest.raises(Invalid, match=said):
        add_bank_account(
            actor=film.cast["amir"], production=film.production, plan=NewBankAccount(**asked)
        )


def test_an_account_is_known_by_its_identifiers_whatever_blanks_they_have(
    film: Film, bank: BankAccount
) -> None:
    with role("web"), acting(film, "amir"):
        for written in ("DE8937040044", "de89 3704 0044", "111000025/7788"):
            assert selectors.bank_account_called(film.production, written) == bank
        assert selectors.bank_account_called(film.production, "1110000257/788") is None
        with pytest.raises(Invalid, match="is Checking already"):
            add_identifier(actor=film.cast["amir"], bank_account=bank, written="de8937040044")
        with pytest.raises(Invalid, match="letters or digits"):
            add_identifier(actor=film.cast["amir"], bank_account=bank, written=" - ")
        assert use_bank_account(
            actor=film.cast["amir"], bank_account=bank, is_active=False
        ).is_active is False  # fmt: skip


def test_the_banks_own_number_is_the_line(film: Film) -> None:
    bank = other(film, 1)
    first = [line(1, "-5.00", "Taxi", bank_id="A"), line(2, "-5.00", "Taxi", bank_id="B")]
    assert fates(taken(film, bank, *first)) == ["fresh", "fresh"]
    overlap = [
        line(1, "-5.00", "TAXI LTD", bank_id="B"),
        line(2, "-5.01", "Taxi", bank_id="A"),
        line(3, "-5.00", "Taxi", bank_id="C"),
        line(4, "-5.00", "Taxi", bank_id="C"),
    ]
    assert fates(taken(film, bank, *overlap)) == ["known", "conflict", "fresh", "conflict"]
    assert len(stored(film, bank)) == 3


def test_lines_without_a_number_are_the_same_as_many_times_as_they_are_alike(film: Film) -> None:
    bank = other(film, 2)
    twins = [line(1, "-5.00", "Taxi"), line(2, "-5.00", "taxi "), line(3, "-5.00", "Lunch")]
    assert fates(taken(film, bank, *twins[:2], form="mt940")) == ["fresh", "fresh"]
    assert fates(taken(film, bank, *twins, form="mt940")) == ["known", "known", "fresh"]
    another = line(4, "-5.00", "Taxi")
    assert fates(taken(film, bank, *twins, another, form="mt940"))[3] == "fresh"
    later = line(1, "-5.00", "Taxi", day=DAY + timedelta(days=1))
    assert fates(taken(film, bank, later, form="mt940")) == ["fresh"]


def test_another_forms_copy_of_the_same_days_brings_only_what_it_has_more_of(film: Film) -> None:
    bank = other(film, 3)
    taken(film, bank, line(1, "-5.00", "A", bank_id="F1"), line(2, "7.00", "B", bank_id="F2"))
    camt = [line(1, "7.00", "b"), line(2, "-5.00", "x"), line(3, "-5.00", "y")]
    assert fates(taken(film, bank, *camt, form="camt")) == ["known", "known", "fresh"]
    again = [line(1, "-5.00", "A", bank_id="F1"), line(2, "-5.00", "Z", bank_id="F9")]
    assert fates(taken(film, bank, *again)) == ["known", "known"]


def test_rows_taken_before_a_kill_are_not_taken_again_and_answer_once(film: Film) -> None:
    bank = other(film, 4)
    taken(film, bank, line(1, "-5.00", "x"), form="camt")
    key = b"k" * 32
    first = taken(film, bank, line(1, "-5.00"), line(2, "-5.00"), form="qif", key=key)
    assert fates(first) == ["known", "fresh"]
    used = [(known.statement_id, known.number) for _, known in first.known]
    rest = [line(3, "-5.00"), line(4, "6.00")]
    assert fates(taken(film, bank, *rest, form="qif", key=key, used=used)) == ["fresh", "fresh"]


def test_two_files_taken_at_once_bring_a_line_once(film: Film) -> None:
    bank = other(film, 5)
    faults: list[BaseException] = []

    def take() -> None:
        try:
            taken(film, bank, *[line(n, f"{n}.00", "same") for n in range(1, 40)], form="qif")
        except BaseException as fault:  # noqa: BLE001 - reported below
            faults.append(fault)
        finally:
            connection.close()

    with role("worker"):
        connection.close()
        threads = [threading.Thread(target=take) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert faults == []
    assert len(stored(film, bank)) == 39


def test_an_altered_added_or_removed_line_is_found(film: Film) -> None:
    bank = other(film, 6)
    taken(film, bank, line(1, "1.00", "a"), line(2, "2.00", "b\nc\\d"), line(3, "3.00", "c"))
    with role("owner"):
        assert verify_production(film.production).findings == []
    lines = "ledger_statementline WHERE bank_account_id = %s AND number = 2"
    for statement, problem in (
        (f"UPDATE {lines.replace(' WHERE', ' SET amount = 20 WHERE')}", "come to 24"),
        (f"DELETE FROM {lines}", "2 are there"),
        (f"UPDATE {lines.replace(' WHERE', ' SET number = 9 WHERE')}", "of line 9"),
        (f"UPDATE {lines.replace(' WHERE', ' SET production_id = 0 WHERE')}", "2 are there"),
    ):
        with tampering():
            query(statement, bank.pk)
            problems = [finding.problem for finding in verify_production(film.production).findings]
        assert any(problem in said for said in problems), (statement, problems)


def test_the_poster_brings_no_line_to_another_production_or_account(
    film: Film, bank: BankAccount, cast: Cast
) -> None:
    with role("owner"):
        foreign = make_film(cast)
    taken(film, bank, line(1, "1.00", "a"))
    ((statement, account),) = _ids(bank)
    values = "%s, %s, %s, 50, 'ofx', '2026-01-14', 1, '', '', '', '', '', 50, 50, 1, 0, 0"
    names = (
        "production_id, bank_account_id, statement_id, number, form, booked_on, amount, bank_id,"
        " reference, counterparty, description, facts, twin, source_row, source_line,"
        " source_start, source_end"
    )
    for here, production, bank_id in (
        (foreign, film.production.pk, account),
        (foreign, foreign.production.pk, account),
        (film, film.production.pk, account + 1),
    ):
        with (
            role("worker"),
            pytest.raises(DatabaseError, match=r"another production|another account"),
            acting(here, "amir"),
            transaction.atomic(),
        ):
            query("SET LOCAL ROLE prodacct_poster")
            query(
                f"INSERT INTO ledger_statementline ({names}) VALUES ({values})",
                production, bank_id, statement,
            )  # fmt: skip


def _ids(bank: BankAccount) -> list[tuple[int, int]]:
    with role("owner"):
        return [
            (int(statement), int(account))
            for statement, account in query(
                "SELECT min(id), bank_account_id FROM ledger_bankstatement"
                " WHERE bank_account_id = %s GROUP BY 2",
                bank.pk,
            )
        ]
