"""The lock freezes what is above and below the line: in accounts, nodes and corrections."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.utils import DatabaseError

from access.errors import Refused
from budgets import boundary, selectors
from budgets.boundary import CostCodeBoundaryViolation
from budgets.models import RefusedCrossing
from ledger import corrections
from ledger.corrections import Change
from reports import correcting
from tests.budgets.films import book, locked
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import fresh_key, insert, query, words, write_batch

DAY = date(2026, 1, 15)


def posted(film: Film) -> tuple[int, int]:
    """A camera rental of 125.00, as (batch, number)."""
    import_data(film, cost_lines([cost_line(1)]))
    with role("owner"):
        found = query(
            "SELECT batch_id, number FROM ledger_transaction WHERE production_id = %s",
            film.production.pk,
        )
    return found[0]


def move(film: Film, key: tuple[int, int], account: str) -> tuple[int, int] | RefusedCrossing:
    with role("web"), acting(film, "amir"):
        return correcting.redistribute_it(
            actor=film.cast["amir"], production=film.production, key=key,
            sent={"day": DAY.isoformat(), "reason": "coded wrong", "account-1": account},
        )  # fmt: skip


def test_before_the_lock_a_cost_moves_across_the_line(film: Film) -> None:
    assert isinstance(move(film, posted(film), "1401"), tuple)
    assert book(film, 1) == {"1401": Decimal(125)}


def test_after_the_lock_an_attempt_is_refused_and_kept_with_all_that_was_asked(film: Film) -> None:
    key = posted(film)
    locked(film)
    held = move(film, key, "1401")
    assert isinstance(held, RefusedCrossing)
    assert "3310 Camera package rental is below the line" in held.sentence
    assert json.loads(held.payload)["changes"] == [[1, "1401", None, None]]
    assert "CostCodeBoundaryViolation" in held.trace
    with role("web"), acting(film, "lena"):
        assert [c.pk for c in selectors.crossings(film.production)] == [held.pk]
    with role("owner"):
        log = query(
            "SELECT line FROM ledger_logentry WHERE production_id = %s AND type = 'row'"
            " AND line LIKE '%%budgets_refusedcrossing%%'", film.production.pk,
        )  # fmt: skip
    assert len(log) == 1
    assert "coded wrong" in log[0][0]
    assert book(film, 1) == {"3310": Decimal(125)}
    assert isinstance(move(film, key, "2220"), tuple)
    assert book(film, 1) == {"2220": Decimal(125)}


def test_the_seal_refuses_what_goes_past_the_service(film: Film) -> None:
    key = posted(film)
    locked(film)
    refused = pytest.raises(Refused, match="CostCodeBoundaryViolation")
    with refused, role("web"), acting(film, "amir"):
        corrections.change_distribution(
            actor=film.cast["amir"], production=film.production, key=key, day=DAY,
            reason="coded wrong", changes=[Change(1, "1401")],
        )  # fmt: skip
    assert book(film, 1) == {"3310": Decimal(125)}


@pytest.mark.parametrize("kind", ["was_is", "journal", "reverse"])
def test_no_batch_that_takes_back_and_posts_again_crosses_by_raw_sql(film: Film, kind: str) -> None:
    batch, number = posted(film)
    locked(film)
    w = words(film)
    amount = Decimal(125)
    documents = [
        {"reverses_batch_id": batch, "reverses_number": number, "document_key": fresh_key()},
        {},
    ]
    with role("owner"):
        was = query(
            "SELECT account_id, counter_account_id, cost_center_id, node_id, component, line, rule"
            " FROM ledger_posting WHERE production_id = %s AND batch_id = %s",
            w.production, batch,
        )[0]  # fmt: skip
    names = ("account_id", "counter_account_id", "cost_center_id", "node_id", "component", "line",
             "rule")  # fmt: skip
    back = {**dict(zip(names, was, strict=True)), "amount": -amount}
    again = {"amount": amount, "account_id": w.accounts["1401"], "transaction_number": 2,
             "node_id": w.nodes["MAIN", "1401"], "cost_center_id": w.centers["CAS"]}  # fmt: skip
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="CostCodeBoundaryViolation"),
        acting(film, "amir"),
    ):
        write_batch(w, batch={"kind": kind}, transactions=documents, postings=[back, again])


@pytest.mark.parametrize(
    "change", ["line = 'ATL'", "category_id = id", "statement = 'balance_sheet'",
               "is_postable = false"],
)  # fmt: skip
def test_an_account_stays_on_its_side_once_the_budget_is_locked(film: Film, change: str) -> None:
    sql = f"UPDATE ledger_account SET {change} WHERE production_id = %s AND code = '3310'"
    with role("owner"):
        with transaction.atomic():
            query(sql, film.production.pk)
            transaction.set_rollback(True)
        rename = sql.replace(change, "name = 'Camera rental'")
    locked(film)
    with role("owner"), pytest.raises(DatabaseError, match="the budget is locked"):
        query(sql, film.production.pk)
    with role("owner"):
        query(rename, film.production.pk)
        assert query(rename + " RETURNING name", film.production.pk) == [("Camera rental",)]


def test_a_node_of_another_line_is_not_planted_once_the_budget_is_locked(film: Film) -> None:
    plant = (
        "INSERT INTO taxonomy_costnode (production_id, parent_id, kind, code, name, line, unit_id,"
        " window_start, window_end, digest, recorded_at, flag, original, reason)"
        " SELECT production_id, parent_id, kind, code, name, %s, unit_id, window_start, window_end,"
        " digest, now(), flag, original, reason FROM taxonomy_costnode"
        " WHERE production_id = %s AND code = '3310' AND kind = 'account' LIMIT 1 RETURNING line"
    )
    locked(film)
    with role("owner"), pytest.raises(DatabaseError, match="the budget is locked"):
        query(plant, "ATL", film.production.pk)
    with role("owner"), transaction.atomic():
        assert query(plant, "BTL", film.production.pk) == [("BTL",)]
        transaction.set_rollback(True)


def test_the_check_names_both_accounts_and_lets_pass_what_stays(film: Film) -> None:
    locked(film)
    with role("web"), acting(film, "amir"):
        by_code = {a.code: a for a in selectors.ledger.accounts(film.production)}
        boundary.assert_boundary(film.production, by_code["3310"], by_code["2220"])
        boundary.assert_boundary(film.production, by_code["1101"], by_code["1401"])
        for pair in (("3310", "1401"), ("1401", "3310")):
            with pytest.raises(CostCodeBoundaryViolation, match=f"{pair[0]}.*{pair[1]}"):
                boundary.assert_boundary(film.production, *(by_code[c] for c in pair))


@pytest.mark.parametrize("early", ["seal_budget", "rates", "seal_orders"])
def test_a_check_that_is_called_before_the_batch_is_there_is_refused(
    film: Film, early: str
) -> None:
    """Called early on an empty batch it would find nothing wrong, and not be asked again."""
    locked(film)
    w = words(film)
    with role("web"), pytest.raises(DatabaseError, match="not before"), acting(film, "amir"):
        insert(
            "ledger_batch", production_id=w.production, unit_id=w.units["MAIN"], kind="was_is",
            key=fresh_key(), document_sha256=b"", origin="by hand", transaction_count=1,
            line_count=1, control_total=1, actor_id=w.actor,
        )  # fmt: skip
        query(f"SET CONSTRAINTS {early} IMMEDIATE")
