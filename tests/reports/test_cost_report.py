"""The cost report ties to the trial balance, and every figure on it opens what makes it up."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from reports.cost_report import CostReport, Figures, cost_report, trial_balance
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, make_film, role

ZERO = Decimal(0)
PAYROLL = (
    "Worker Name,Position/Title,Work Date,Earnings Type,Gross Wages,Reimbursements,"
    "Employer Taxes,Benefits Contributions,Department or Cost Code,Payroll Run Date\n"
    "Jo Eide,Camera Operator,01/06/2026,Regular,1200.00,25.00,109.80,252.00,3301,01/16/2026\n"
    "Kofi Ito,Set Designer,01/13/2026,Regular,1000.00,0.00,91.50,210.00,2210,01/16/2026\n"
    "Lea Haas,Lead,01/13/2026,Regular,5000.00,0.00,457.50,1050.00,1401,01/16/2026\n"
)


@dataclass
class Book:
    film: Film
    browse: Callable[[str], Client]


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """Costs of four departments in three weeks, two units and three currencies."""
    with role("owner"):
        film = make_film(cast)
    rows = [
        cost_line(1, amount="125.00", day="2026-01-06"),
        cost_line(2, amount="0.01", day="2026-01-14"),
        cost_line(3, amount="-300.00", day="2026-01-14"),
        cost_line(4, amount="9999999.99", day="2026-01-21"),
        cost_line(5, account="2220", center="ART", amount="77.10", day="2026-01-06"),
        cost_line(6, account="2220", center="ART", amount="-77.10", day="2026-01-14"),
        cost_line(7, account="1101", center="WRI", amount="40000.00", jurisdiction="WGA"),
        cost_line(8, amount="500.00", currency="EUR", day="2026-01-14"),
        cost_line(9, amount="12000", currency="JPY", day="2026-01-06"),
        cost_line(10, account="2220", center="ART", amount="60.00", currency="EUR"),
        cost_line(11, account="2210", center="CAM", amount="33.00", day="2026-01-14"),
    ]
    batch = import_data(film, cost_lines(rows))
    second = import_data(
        film, cost_lines([cost_line(20, amount="64.00"), cost_line(21, currency="EUR")]),
        unit="SECOND",
    )  # fmt: skip
    payroll = import_data(film, PAYROLL.encode(), source="wrapbook-payroll", name="payroll.csv")
    assert (batch.posted, second.posted, payroll.posted) == (11, 2, 3), payroll.reason
    return film


@pytest.fixture
def book(film: Film, browse: Callable[[str], Client]) -> Iterator[Book]:
    yield Book(film, browse)


def drawn(film: Film, person: str, **asked: Any) -> CostReport:
    with role("web"), acting(film, person):
        return cost_report(film.production, **asked)


def summed(figures: list[Figures]) -> tuple[Decimal, Decimal, int, int]:
    return (
        sum((f.period for f in figures), ZERO),
        sum((f.to_date for f in figures), ZERO),
        sum(f.lines for f in figures),
        sum(f.period_lines for f in figures),
    )


def parts(figures: Figures) -> tuple[Decimal, Decimal, int, int]:
    return figures.period, figures.to_date, figures.lines, figures.period_lines


@pytest.mark.parametrize("person", ["amir", "lena", "cho", "ada"])
@pytest.mark.parametrize("number", [1, 2, 3, 12])
def test_accounts_sum_to_categories_to_sections_to_the_total(
    film: Film, person: str, number: int
) -> None:
    report = drawn(film, person, number=number)
    for section in report.sections:
        for category in section.categories:
            assert parts(category.figures) == summed([a.figures for a in category.accounts])
        assert parts(section.figures) == summed([c.figures for c in section.categories])
    assert parts(report.total) == summed([s.figures for s in report.sections])


@pytest.mark.parametrize("person", ["amir", "lena", "cho", "ada"])
def test_the_total_and_the_named_holes_are_the_trial_balance_of_the_cost_accounts(
    film: Film, person: str
) -> None:
    with role("web"), acting(film, person):
        report = cost_report(film.production, number=12)
        balance = trial_balance(film.production)
    costs: dict[str, Decimal] = {}
    everything: dict[str, Decimal] = {}
    for line in balance:
        net = line.debit - line.credit
        everything[line.currency] = everything.get(line.currency, ZERO) + net
        if line.account.statement == "cost":
            costs[line.currency] = costs.get(line.currency, ZERO) + net
    assert set(everything.values()) == {ZERO}, "debits equal credits in every currency"
    assert report.total.to_date == costs.pop("USD")
    assert {c: f.to_date for c, f in report.unconverted.items()} == costs


def test_a_department_head_sees_the_own_cost_centre_and_nothing_else(film: Film) -> None:
    mine = drawn(film, "cho", number=12)
    codes = [a.account.code for s in mine.sections for c in s.categories for a in c.accounts]
    # 2210 is an art account, charged to the camera cost centre: the cost centre decides.
    assert codes == ["2210", "3301", "3310", "3399"]
    with role("web"), acting(film, "amir"):
        assert mine.total.to_date < cost_report(film.production, number=12).total.to_date
    assert mine.total.to_date == Decimal("125.00") + Decimal("0.01") - 300 + Decimal(
        "9999999.99"
    ) + 33 + 64 + Decimal("1200.00") + 25 + Decimal("109.80") + Decimal("252.00")


def test_an_unconverted_currency_stands_under_its_name_and_in_no_other_figure(film: Film) -> None:
    report = drawn(film, "amir", number=12)
    assert {c: f.to_date for c, f in report.unconverted.items()} == {
        "EUR": Decimal(500 + 60 + 125),
        "JPY": Decimal(12000),
    }
    accounts = {
        a.account.code: a.figures for s in report.sections for c in s.categories for a in c.accounts
    }
    assert accounts["2220"].to_date == ZERO  # 77.10 and its reversal, without the 60 euros
    assert accounts["2220"].lines == 2


def test_a_period_shows_its_own_costs_and_those_up_to_it(film: Film) -> None:
    first, second = (drawn(film, "cho", number=n) for n in (1, 2))
    assert first.total.period == first.total.to_date
    assert second.total.to_date == first.total.to_date + second.total.period
    assert second.total.period == Decimal("0.01") - 300 + 33 + 64


def test_without_a_period_asked_the_last_one_with_costs_is_shown(film: Film) -> None:
    assert drawn(film, "amir").period.number == 3
    assert drawn(film, "ada").period.number == 2
    assert drawn(film, "amir", number=99).period.number == 3


def test_a_film_without_costs_shows_its_first_period_and_zero(other_film: Film) -> None:
    report = drawn(other_film, "amir")
    assert (report.period.number, report.sections, report.total.to_date) == (1, [], ZERO)


def test_the_units_of_a_report_sum_to_the_whole(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        from taxonomy.selectors import units

        numbers = [u.pk for u in units(film.production)]
    split = [drawn(film, "amir", number=12, unit_id=pk).total.to_date for pk in numbers]
    assert sum(split, ZERO) == drawn(film, "amir", number=12).total.to_date
    assert Decimal(64) in split


# --- the page: each figure and the lines behind it ---


def figures_of(view: dict[str, Any], report: CostReport) -> Iterator[tuple[str, str, int]]:
    """(link, figure, lines that make it up) of everything the page shows."""
    pairs: list[tuple[dict[str, Any], Figures]] = []
    for section, drawn_section in zip(view["sections"], report.sections, strict=True):
        pairs.append((section, drawn_section.figures))
        for category, drawn_category in zip(
            section["categories"], drawn_section.categories, strict=True
        ):
            pairs.append((category, drawn_category.figures))
            pairs += [
                (account, row.figures)
                for account, row in zip(category["accounts"], drawn_category.accounts, strict=True)
            ]
    for shown, figures in pairs:
        assert shown["lines"] == figures.lines
        yield shown["to_date_url"], shown["to_date"], figures.lines
        yield shown["total_url"], shown["total"], figures.lines + figures.committed_lines
        if figures.period_lines:
            yield shown["period_url"], shown["period"], figures.period_lines
    total = view["total"]
    yield total["total_url"], total["total"], report.total.lines + report.total.committed_lines
    yield view["total_to_date_url"], view["total_to_date"], report.total.lines
    yield view["total_period_url"], view["total_period"], report.total.period_lines
    for other in view["other_currencies"]:
        figures = report.unconverted[other["currency"]]
        yield other["url"], other["to_date"], figures.lines
        if figures.period_lines:
            yield other["period_url"], other["period"], figures.period_lines


@pytest.mark.parametrize("query", ["", "?period=1", "?period=2", "?period=2&unit=SECOND"])
@pytest.mark.parametrize("person", ["amir", "cho"])
def test_every_figure_opens_lines_whose_total_and_count_are_the_figure(
    book: Book, person: str, query: str
) -> None:
    client = book.browse(person)
    page = client.get(reverse("cost_report", args=[book.film.code]) + query)
    text = page.content.decode()
    asked = dict(pair.split("=") for pair in query[1:].split("&") if pair)
    with role("web"), acting(book.film, person):
        from taxonomy.selectors import unit_by_code

        unit = unit_by_code(book.film.production, asked.get("unit", ""))
        report = cost_report(
            book.film.production,
            number=int(asked["period"]) if "period" in asked else None,
            unit_id=unit.pk if unit else None,
        )
    expected = list(figures_of(page.context["report"], report))
    linked = {html.unescape(u) for u in re.findall(r'href="([^"]*/accounts/[^"]*)"', text)}
    assert linked == {url for url, _, _ in expected}, "a figure on the page has no lines behind it"
    for url, figure, count in expected:
        lines = client.get(url)
        assert lines.status_code == 200, url
        total, currency = lines.context["total"].split(" ")
        assert (total, lines.context["count"]) == (figure, count), url
        assert f'<a href="{html.escape(url)}">{figure}</a>' in text
        assert currency == (re.findall(r"currency=(\w+)", url) or ["USD"])[0]
        assert len(lines.context["lines"]) == count
        shown = [
            line["amount" if "currency" in url else "base_amount"]
            for line in lines.context["lines"]
        ]
        assert sum(map(number_of, shown), ZERO) == number_of(total)


def number_of(shown: str) -> Decimal:
    """A figure as the screens write it: thousands by commas, negatives in parentheses."""
    plain = shown.replace(",", "")
    return -Decimal(plain[1:-1]) if plain.startswith("(") else Decimal(plain)


def test_a_figure_that_is_zero_by_reversal_still_opens_its_lines(book: Book) -> None:
    page = book.browse("ada").get(
        reverse("account_lines", args=[book.film.code, "2220"]) + "?upto=12"
    )
    assert (page.context["total"], page.context["count"]) == ("0.00 USD", 2)
    assert [line["base_amount"] for line in page.context["lines"]] == ["77.10", "(77.10)"]


def test_the_page_says_whose_costs_it_shows(book: Book) -> None:
    url = reverse("cost_report", args=[book.film.code])
    assert "All cost centres, all units" in book.browse("amir").get(url).content.decode()
    mine = book.browse("cho").get(url + "?unit=SECOND").content.decode()
    assert "Camera (CAM), SECOND" in mine or "Camera (CAM), Second" in mine


def test_an_empty_report_offers_the_import_only_to_those_who_may_import(
    other_film: Film, browse: Callable[[str], Client]
) -> None:
    url = reverse("cost_report", args=[other_film.code])
    assert "Import a file" in browse("amir").get(url).content.decode()
    assert "Import a file" not in browse("cho").get(url).content.decode()
