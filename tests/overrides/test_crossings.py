"""Costs and budget across the frozen line: only as signed, with the guarantor, and back again."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError

from access import context
from access.errors import Refused
from budgets import changes
from ledger import corrections
from ledger.corrections import Change
from ledger.verify import verify_production
from overrides.carrying import Asked
from overrides.models import Override
from overrides.policies import DEFAULT_RULES, PolicyError, Rule, check
from overrides.verifying import verify_overrides
from purchasing.invoices import CostLine, InvoicePlan, enter_invoice
from purchasing.payments import PaymentPlan, pay_invoices
from tests.budgets.films import DAY, book, budget_film
from tests.factories import Cast, acting, role
from tests.ledger.raw_batches import query
from tests.overrides.signing import Signing, founded, move_clock
from tests.overrides.test_execution import posted
from tests.purchasing.office import office

ACROSS = (("3310", "-500"), ("1401", "500"))


def cost(signing: Signing, key: tuple[int, int], account: str = "1401") -> Override:
    asked = Asked("atl_btl", DAY, document=key, changes=(Change(1, account),))
    return signing.asks(asked)


def test_budget_moves_across_the_line_as_signed_and_back_again(signing: Signing) -> None:
    before = book(signing.film, 3)
    found = signing.asks(Asked("atl_btl", DAY, ACROSS))
    assert (found.amount, found.roles) == (500, ["line_producer", "bond_representative"])
    assert "500.00 goes above the line that budget v1 froze" in found.checked
    signing.executed(found)
    after = book(signing.film, 3)
    assert (after["3310"], after["1401"]) == (before["3310"] - 500, before["1401"] + 500)
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert (signing.now(found).state, book(signing.film, 3)) == ("reverted", before)


def test_a_cost_moves_across_the_line_as_signed_and_back_again(signing: Signing) -> None:
    key = posted(signing.film)
    found = cost(signing, key)
    assert found.proposed["lines"] == [
        {"account": "3310", "amount": "-125.0000", "cost_center": "CAM"},
        {"account": "1401", "amount": "125.0000", "cost_center": "CAS"},
    ]
    signing.executed(found)
    assert book(signing.film, 1) == {"1401": Decimal(125)}
    with role("owner"):
        assert verify_production(signing.film.production).findings == []
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert book(signing.film, 1) == {"3310": Decimal(125)}
    with role("owner"):
        assert verify_production(signing.film.production).findings == []


def test_a_paper_moves_across_the_line_and_a_paid_one_does_not(signing: Signing) -> None:
    desk = office(signing.film)
    vendor, made = desk.vendor(), []
    with desk.acts() as amir:
        for number, amount in (("A", "300"), ("B", "40")):
            lines = (CostLine("3310", amount, "lenses"),)
            plan = InvoicePlan(desk.unit, vendor, number, DAY, "USD", lines)
            made.append(enter_invoice(actor=amir, production=signing.film.production, plan=plan))
        pay_invoices(
            actor=amir, production=signing.film.production,
            plan=PaymentPlan(vendor, "1", DAY, ((made[1].pk, "40"),)),
        )  # fmt: skip
    keys = [(entry.batch_id, entry.transaction_number) for entry in made]
    found = signing.executed(cost(signing, keys[0]))
    assert book(signing.film, 1) == {"1401": Decimal(300), "3310": Decimal(40)}
    with pytest.raises(Refused, match="is paid: void the payment first"):
        cost(signing, keys[1])
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert book(signing.film, 1) == {"3310": Decimal(340)}


REFUSED = {
    "nothing crosses": ((("3310", "-5"), ("2220", "5")), "Nothing crosses the line"),
    "it makes money": ((("3310", "-5"), ("1401", "6")), "moves budget and makes none"),
    "contingency": ((("8001", "-5"), ("1401", "5")), "leaves contingency alone"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_move_across_the_line_is_refused_in_words(signing: Signing, what: str) -> None:
    lines, said = REFUSED[what]
    with pytest.raises(Refused, match=said):
        signing.asks(Asked("atl_btl", DAY, lines))
    with pytest.raises(Refused, match="Nothing crosses the line"):
        cost(signing, posted(signing.film), "2220")
    with pytest.raises(Refused, match="lies in no open week"):
        asked = Asked("atl_btl", date(2031, 1, 1), document=posted(signing.film),
                      changes=(Change(1, "1401"),))  # fmt: skip
        signing.asks(asked)


def test_before_the_lock_nothing_is_frozen(cast: Cast) -> None:
    signing = founded(cast, budget_film(cast))
    with pytest.raises(Refused, match="No budget is locked"):
        cost(signing, posted(signing.film))


def test_the_guarantor_signs_every_one_whatever_the_rules() -> None:
    alone = Rule("atl_btl", "", 2, ("line_producer",), 72, 72, ("line_producer",))
    from overrides.policies import Policy

    others = tuple(r for r in DEFAULT_RULES if r.kind != "atl_btl")
    with pytest.raises(PolicyError, match="the completion guarantor signs every one"):
        check(Policy((*others, alone), "x", ("http://x",)))


def test_the_database_knows_no_rule_without_the_guarantor(signing: Signing) -> None:
    with role("owner"), pytest.raises(DatabaseError, match="signing_rule_guarantor"):
        query(
            "INSERT INTO overrides_signingrule (production_id, mandate_id, version, kind,"
            " threshold, roles, open_hours, ratify_hours, ratify_roles)"
            " SELECT production_id, mandate_id, version, 'atl_btl', 2, '{line_producer}', 1, 1,"
            " '{line_producer}'"
            " FROM overrides_signingrule WHERE production_id = %s LIMIT 1",
            signing.film.production.pk,
        )


def crosses(signing: Signing, key: tuple[int, int], account: str) -> None:
    corrections.change_distribution(
        actor=signing.person("amir"), production=signing.film.production, key=key, day=DAY,
        reason="mine", changes=[Change(1, account)],
    )  # fmt: skip


def test_nothing_crosses_unsigned_or_otherwise_than_signed(signing: Signing) -> None:
    key = posted(signing.film)
    found = cost(signing, key)
    for name in ("web", "worker"):
        with role(name), acting(signing.film, "amir"), pytest.raises(Refused, match="Boundary"):
            crosses(signing, key, "1401")  # only asked for
    signing.approved(found)
    with role("web"), acting(signing.film, "amir"), pytest.raises(Refused, match="Boundary"):
        crosses(signing, key, "1401")  # it is the clock that posts it
    with role("worker"), acting(signing.film, "amir"), pytest.raises(Refused, match="Boundary"):
        crosses(signing, key, "1101")  # that is another account
    move_clock(found, "expires_at")
    with role("worker"), acting(signing.film, "amir"), pytest.raises(Refused, match="Boundary"):
        crosses(signing, key, "1401")  # its time is over
    assert signing.works() == 1
    assert signing.now(found).state == "expired"
    assert book(signing.film, 1) == {"3310": Decimal(125)}


def test_no_transfer_crosses_unsigned_or_of_another_amount(signing: Signing) -> None:
    found = signing.approved(signing.asks(Asked("atl_btl", DAY, ACROSS)))
    for name, amount in (("web", "500"), ("worker", "501")):
        with (
            role(name), acting(signing.film, "amir"),
            pytest.raises(Refused, match="each side of the line keeps its own"),
        ):  # fmt: skip
            changes.request_change(
                actor=signing.person("amir"), production=signing.film.production, kind="transfer",
                day=DAY, reason="mine", lines=[("3310", f"-{amount}"), ("1401", amount)],
                is_crossing=True,
            )  # fmt: skip
    assert signing.works() == 1
    assert signing.now(found).state == "executed"


def test_the_database_takes_no_request_that_does_not_cross(signing: Signing) -> None:
    found = signing.asks(Asked("atl_btl", DAY, ACROSS))
    lines = found.proposed["lines"]
    within = [lines[0], {"account": "2220", "amount": "500.0000", "cost_center": "ART"}]
    for wrong in (within, lines[:1], [lines[0], lines[1] | {"amount": "501.0000"}]):
        with role("web"), acting(signing.film, "amir"):
            other = Override.objects.get(pk=found.pk)
            other.pk, other.proposed = None, found.proposed | {"lines": wrong}
            with pytest.raises(DatabaseError, match="as much to the other"):
                other.save(force_insert=True)


def test_a_crossing_behind_the_back_of_it_all_is_named(signing: Signing) -> None:
    key = posted(signing.film)
    found = signing.executed(cost(signing, key))
    production = signing.film.production
    with role("owner"):
        query("ALTER TABLE overrides_step DISABLE TRIGGER USER")
        query("UPDATE overrides_step SET batch_id = NULL, step = 'stop' WHERE override_id = %s"
              " AND step = 'execute'", found.pk)  # fmt: skip
        query("ALTER TABLE overrides_step ENABLE TRIGGER USER")
    with role("worker"), context.acting(user_id=context.NOBODY, production_id=production.pk):
        said = verify_overrides(production)[1]
    assert any("crosses the line that the lock froze, under no override" in x for x in said)
