"""What is signed is carried out exactly, once, and taken back when nobody ratifies it."""

from datetime import date
from decimal import Decimal

import pytest

from access.errors import Invalid, Refused
from ledger.corrections import Change
from overrides.carrying import Asked
from tests.budgets.films import DAY, book
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import query
from tests.overrides.signing import Signing, move_clock
from tests.purchasing.office import office


def test_a_signed_draw_is_posted_ratified_and_audited(signing: Signing) -> None:
    found = signing.draw("1000")
    assert (found.state, found.amount, found.roles) == (
        "requested", Decimal(1000), ["line_producer", "bond_representative"])  # fmt: skip
    assert signing.decides("lena", found).becomes == "requested"
    assert signing.works() == 0, "one signature carries nothing out"
    assert signing.decides("bea", found).becomes == "approved"
    assert signing.works() == 1
    assert book(signing.film, 3)["3310"] == 51000
    assert signing.works() == 0
    assert signing.decides("amir", signing.now(found), "ratify").becomes == "executed"
    assert signing.decides("lena", signing.now(found), "ratify").becomes == "ratified"
    assert signing.now(found).state == "ratified"


def test_what_nobody_ratified_is_taken_back_once(signing: Signing) -> None:
    before = book(signing.film, 3)
    found = signing.executed(signing.draw("1000"))
    assert signing.works() == 0
    move_clock(found, "ratify_by")
    with pytest.raises(Refused, match="is over"):
        signing.decides("lena", found, "ratify")
    assert [signing.works(), signing.works()] == [1, 0]
    assert signing.now(found).state == "reverted"
    assert book(signing.film, 3) == before


def test_an_overage_is_carried_out_and_taken_back(signing: Signing) -> None:
    asked = Asked("over_budget", DAY, (("3310", "2500.50"), ("2220", "10")))
    found = signing.executed(signing.asks(asked))
    assert book(signing.film, 3)["3310"] == Decimal("52500.50")
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert book(signing.film, 3)["3310"] == 50000


def test_an_order_grows_by_what_was_signed_and_shrinks_again(signing: Signing) -> None:
    desk = office(signing.film)
    order = desk.opened()
    found = signing.executed(signing.asks(Asked("over_po", DAY, (("3310", "250"),), order.number)))
    assert desk.standing(order) == [(Decimal(1250), 0, Decimal(1250), 0)]
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert desk.standing(order) == [(Decimal(1250), 0, Decimal(1000), Decimal(250))]
    assert signing.now(found).state == "reverted"


def test_an_order_that_was_amended_meanwhile_stops_the_override(signing: Signing) -> None:
    desk = office(signing.film)
    order = desk.opened()
    found = signing.asks(Asked("over_po", DAY, (("3310", "250"),), order.number))
    with desk.acts() as amir:
        from purchasing import orders

        order = orders.amend_order(
            actor=amir, order=order, lines=[orders.LinePlan("3310", "1", "900")], reason="less"
        )
    signing.approved(found)
    assert signing.works() == 1
    with role("web"), acting(signing.film, "amir"):
        from overrides import selectors

        stop = selectors.steps(found)[-1]
    assert (stop.step, stop.becomes) == ("stop", "rejected")
    assert "not open any more" in stop.reason


def posted(film: Film) -> tuple[int, int]:
    import_data(film, cost_lines([cost_line(1)]))
    with role("owner"):
        (key,) = query(
            "SELECT batch_id, number FROM ledger_transaction t WHERE production_id = %s"
            " AND reference = 'TX000001'", film.production.pk,
        )  # fmt: skip
    return key[0], key[1]


def test_a_cost_moves_to_another_department_and_back(signing: Signing) -> None:
    key = posted(signing.film)
    asked = Asked("reclassification", DAY, document=key, changes=(Change(1, "2220"),))
    found = signing.asks(asked)
    assert found.proposed["lines"] == [
        {"account": "3310", "amount": "-125.0000", "cost_center": "CAM"},
        {"account": "2220", "amount": "125.0000", "cost_center": "ART"},
    ]
    assert book(signing.film, 1) == {"3310": Decimal(125)}, "asking posts nothing"
    signing.executed(found)
    assert book(signing.film, 1) == {"2220": Decimal(125)}
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert book(signing.film, 1) == {"3310": Decimal(125)}


def test_a_move_across_the_line_or_within_a_department_is_refused(signing: Signing) -> None:
    key = posted(signing.film)
    with pytest.raises(Refused, match=r"boundary|across|above"):
        signing.asks(Asked("reclassification", DAY, document=key, changes=(Change(1, "1401"),)))
    with pytest.raises(Invalid, match="stays in its department"):
        signing.asks(Asked("reclassification", DAY, document=key, changes=(Change(1, "3301"),)))


def test_a_late_journal_posts_to_a_closed_weeks_costs_and_is_reversed(signing: Signing) -> None:
    with role("web"), acting(signing.film, "amir"):
        from ledger import services

        services.close_period(
            actor=signing.person("amir"), production=signing.film.production, number=1
        )
    lines = (("3310", "500"), ("2220", "-500"))
    with pytest.raises(Invalid, match="no closed week"):
        signing.asks(Asked("late_posting", DAY, lines))
    found = signing.executed(signing.asks(Asked("late_posting", date(2026, 1, 6), lines)))
    assert found.target == "wk 1"
    assert book(signing.film, 1) == {"3310": Decimal(500), "2220": Decimal(-500)}
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    assert book(signing.film, 1) == {}


def test_contingency_is_looked_at_when_it_is_asked_for_and_again_when_it_is_drawn(
    signing: Signing,
) -> None:
    with pytest.raises(Refused, match=r"51,000\.00 is left"):
        signing.draw("51000.01")
    first, second = signing.draw("30000"), signing.draw("30000")
    signing.approved(first)
    signing.approved(second)
    assert signing.works() == 2
    assert [signing.now(o).state for o in (first, second)] == ["executed", "rejected"]
    assert book(signing.film, 3)["8001"] == 21000


def test_draws_keep_to_the_caps_of_each_side(signing: Signing) -> None:
    signing.confirmed(signing.rules(most_atl="500", most_btl="2000"), "lena", "bea")
    with pytest.raises(Refused, match=r"below the line would come to 2,000\.01"):
        signing.draw("2000.01")
    signing.executed(signing.draw("1500"))
    with pytest.raises(Refused, match=r"2,500\.00, and 2,000\.00 is the most"):
        signing.draw("1000")
