"""Night Ferry's budget is locked by its people, drawn on, and estimated; its file is the same."""

import hashlib
from decimal import Decimal

import pytest

from access import context, services
from access.models import User
from budgets import selectors
from demo import budget, film
from demo.office import lock_the_budget
from ledger.opening import ProductionPlan, open_production
from reports.cost_report import cost_report
from tests.factories import role


def test_the_budget_file_is_the_same_to_the_byte_everywhere() -> None:
    assert hashlib.sha256(budget.budget_file()).hexdigest() == (
        "5777cf943b8424d129d8cd39bf95a78bb972637293aee690039d7cd0baf2b023"
    )
    assert budget.budget_file() == budget.budget_file()


def test_the_people_of_the_film_lock_its_budget_and_draw_on_contingency(database: None) -> None:
    with role("owner"):
        console = services.console_person()
        production = open_production(
            actor=console,
            plan=ProductionPlan(
                code="NF-BUDGET", title=film.TITLE, currency=film.CURRENCY, units=film.UNITS,
                starts_on=film.STARTS_ON, weeks=film.WEEKS,
            ),
        )  # fmt: skip
        people: list[User] = []
        for name, held in (("amara", "production_accountant"), ("lucia", "line_producer")):
            person = services.add_person(
                actor=console, email=f"{name}@budget.example", name=name, password=None
            )
            services.give_membership(actor=console, production=production, user=person, role=held)
            people.append(person)
        total = budget.total_of(budget.budget_file())
        assert lock_the_budget(production, *people).endswith(f"locked at {total} USD")
    with role("web"), context.acting(user_id=people[1].pk, production_id=production.pk):
        report = cost_report(production, number=film.WEEKS_IN_THE_BOOKS)
        found = selectors.contingency(production)
        waiting = selectors.changes(production).filter(state="requested").count()
    assert report.total.budget == Decimal(total.replace(",", ""))
    assert found.drawn == {"ATL": Decimal(25000), "BTL": Decimal(42000)}
    assert (found.remains, found.asked) == (found.original - 67000, 8500)
    assert waiting == 1
    efc = {
        row.account.code: row.figures.efc - row.figures.final_budget
        for section in report.sections
        for category in section.categories
        for row in category.accounts
        if row.figures.entered is not None
    }
    assert set(efc) == {"3355", "3305"}
    assert efc["3305"] == 18000


@pytest.mark.parametrize("word", ["contingency", "v1", "Weather cover"])
def test_the_answers_tell_of_the_budget(word: str) -> None:
    from tests.demo.test_answers import ANSWERS

    assert word in ANSWERS.read_text()
