"""Budget, commitments and EFC on the cost report: they tie to their books and open their lines."""

import html
import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from purchasing.orders import LinePlan
from reports.cost_report import CostReport, Figures, cost_report, trial_balance
from tests.budgets.films import budget_film, changed, estimated, locked
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import words
from tests.purchasing.office import office
from tests.signing_in import sign_in

ZERO = Decimal(0)
Browse = Callable[[str], Client]


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """A locked budget, a draw and an overage, costs, an open order, and two estimates."""
    film = budget_film(cast)
    locked(film)
    changed(film, "draw", ("8001", "-9000"), ("2220", "9000"))
    changed(film, "overage", ("3301", "1000.50"))
    rows = [
        cost_line(1, amount="20000.00", day="2026-01-06"),
        cost_line(2, account="2220", center="ART", amount="31000.00"),
        cost_line(3, account="1401", center="CAS", amount="5000.00", jurisdiction="SAG-AFTRA"),
        cost_line(4, amount="70.00", currency="EUR"),
    ]
    assert import_data(film, cost_lines(rows)).posted == 4
    office(film).opened(LinePlan("3310", "1", "40000.00"))
    estimated(film, "3310", "efc", "72000")
    estimated(film, "3301", "etc", "95000")
    import_data(film, cost_lines([cost_line(9, amount="15000.00", day="2026-01-20")]))
    return film


def drawn(film: Film, person: str = "amir", number: int = 12, **asked: int) -> CostReport:
    with role("web"), acting(film, person):
        return cost_report(film.production, number=number, **asked)


def by_code(report: CostReport) -> dict[str, Figures]:
    return {
        row.account.code: row.figures
        for section in report.sections
        for category in section.categories
        for row in category.accounts
    }


def test_the_columns_are_what_the_hand_works_out(film: Film) -> None:
    found = by_code(drawn(film))
    # Spent 35,000 and ordered 40,000 against an EFC of 72,000: 3,000 too much, and no ETC.
    camera = found["3310"]
    assert (camera.to_date, camera.committed, camera.total) == (35000, 40000, 75000)
    assert (camera.etc, camera.efc, camera.overrun) == (0, 72000, 3000)
    assert (camera.budget, camera.overages, camera.variance) == (50000, 0, -22000)
    crew = found["3301"]
    assert (crew.budget, crew.overages, crew.efc, crew.etc) == (
        90000, Decimal("1000.50"), 95000, 95000,
    )  # fmt: skip
    assert crew.variance == Decimal("-3999.50")
    art = found["2220"]
    assert (art.budget, art.efc, art.etc, art.variance) == (29000, 31000, 0, -2000)
    assert (found["8001"].budget, found["8001"].variance) == (42000, 0)
    assert found["1101"].etc == 40000


@pytest.mark.parametrize("person", ["amir", "lena", "cho", "ada"])
def test_every_column_ties_to_the_trial_balance_of_its_book(film: Film, person: str) -> None:
    total = drawn(film, person).total
    sums = {}
    with role("web"), acting(film, person):
        for book in (1, 2, 3, 4):
            lines = trial_balance(film.production, book)
            assert sum((x.debit - x.credit for x in lines), ZERO) == 0
            sums[book] = sum(
                (x.debit - x.credit for x in lines
                 if x.account.statement == "cost" and x.currency == "USD"), ZERO,
            )  # fmt: skip
    assert total.to_date == sums[1]
    assert total.committed == sums[2]
    assert total.final_budget == sums[3]
    entered = [f.entered for f in by_code(drawn(film, person)).values() if f.entered is not None]
    assert sum(entered, ZERO) == sums[4]
    assert total.efc == total.total + total.etc - total.overrun


def test_the_locked_total_is_conserved_and_only_the_overage_stands_on_top(film: Film) -> None:
    total = drawn(film).total
    assert (total.budget, total.overages) == (561000, Decimal("1000.50"))


def test_an_estimate_counts_from_the_week_it_is_dated(film: Film) -> None:
    assert by_code(drawn(film, number=1))["3310"].entered is None
    assert by_code(drawn(film, number=2))["3310"].entered == 72000


def test_a_unit_has_costs_and_orders_and_no_budget_of_its_own(film: Film) -> None:
    w = words(film)
    report = drawn(film, unit_id=w.units["MAIN"])
    assert not report.is_whole
    assert (report.total.committed, report.total.budget, report.total.efc) == (40000, 0, 0)


def test_a_department_head_sees_the_own_accounts_alone(film: Film) -> None:
    assert set(by_code(drawn(film, "cho"))) == {"3301", "3310"}
    assert drawn(film, "cho").total.budget == 140000


def amount(shown: str) -> Decimal:
    plain = shown.replace(",", "").removesuffix(" overrun")
    return -Decimal(plain[1:-1]) if plain.startswith("(") else Decimal(plain)


@pytest.mark.parametrize("person", ["amir", "cho"])
def test_every_figure_on_the_page_opens_what_sums_to_it(
    film: Film, browse: Browse, person: str
) -> None:
    client = browse(person)
    page = client.get(reverse("cost_report", args=[film.code]) + "?period=12")
    figures = re.findall(r'<a href="([^"]+/(?:accounts|forecast)/[^"]+)">(?:<b[^>]*>)?([^<]+)<',
                         page.content.decode())  # fmt: skip
    assert len(figures) > 30
    for url, shown in figures:
        opened = client.get(html.unescape(url))
        assert opened.status_code == 200, url
        if "/accounts/" in url:
            assert opened.context["total"].split(" ")[0] == shown, url
            shown_lines = [
                line["amount" if "currency=" in url else "base_amount"]
                for line in opened.context["lines"]
            ]
            assert sum(map(amount, shown_lines), ZERO) == amount(shown), url
        else:
            total, rows = opened.context["total"], opened.context["rows"]
            named = {k: total[k] for k in ("etc", "efc", "variance", "overrun")}
            assert shown.removesuffix(" overrun") in named.values(), url
            for column in ("efc", "etc", "variance"):
                assert sum((amount(r[column]) for r in rows), ZERO) == amount(total[column])


def test_a_posted_budget_line_opens_its_row_of_the_file(film: Film, browse: Browse) -> None:
    client = browse("lena")
    lines = client.get(reverse("account_lines", args=[film.code, "3310"]) + "?upto=12&book=budget")
    assert [line["reference"] for line in lines.context["lines"]] == ["Budget v1"]
    page = client.get(lines.context["lines"][0]["url"]).content.decode()
    assert "Row 7 of budget.txt, as received" in page
    assert "3310\tCamera package rental\t50,000" in html.unescape(page)
    legs = re.findall(r'href="([^"]*accounts/3310[^"]*)"', page)
    assert any("book=final" in leg for leg in legs)


def test_an_overrun_is_said_and_the_accountant_can_act_on_it(film: Film, browse: Browse) -> None:
    url = reverse("forecast", args=[film.code, "3310"]) + "?period=12"
    page = browse("amir").get(url).content.decode()
    assert "3,000.00 beyond the EFC" in page
    assert 'name="stated"' in page
    assert "VE-0001" in page
    assert 'name="stated"' not in browse("lena").get(url).content.decode()
    report = browse("amir").get(reverse("cost_report", args=[film.code]) + "?period=12")
    assert "3,000.00 overrun" in report.content.decode()


def test_what_cannot_be_entered_is_said_beside_the_form_and_kept(
    film: Film, browse: Browse
) -> None:
    url = reverse("forecast_enter", args=[film.code, "3310"])
    given = {"way": "efc", "stated": "100", "day": "2026-03-01", "reason": "typo"}
    answer = browse("amir").post(url, given)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "There is no negative ETC" in text
    assert 'value="typo"' in text
    assert browse("amir").post(url, {**given, "day": "soon"}).status_code == 422


def test_an_estimate_is_entered_on_the_page(cast: Cast, browse: Browse) -> None:
    film = budget_film(cast)
    with role("web"):
        answer = browse_as(film, "amir").post(
            reverse("forecast_enter", args=[film.code, "3310"]),
            {"way": "etc", "stated": "1200.00", "day": "2026-01-14", "reason": "two days"},
        )
    assert answer.status_code == 302
    report = drawn(film, number=2)
    assert by_code(report)["3310"].efc == 1200


def browse_as(film: Film, person: str) -> Client:
    client = Client(raise_request_exception=False)
    sign_in(client, film.cast[person])
    return client


@pytest.mark.parametrize("code", ["9999", "section-XXX", "0950", "section-"])
def test_there_is_no_outlook_of_what_is_no_cost(film: Film, browse: Browse, code: str) -> None:
    assert browse("amir").get(reverse("forecast", args=[film.code, code])).status_code == 404


def test_the_command_adds_its_columns_behind_the_old_ones(film: Film) -> None:
    out = StringIO()
    with role("worker"):
        call_command("cost_report", "--production", film.code, "--period", "12", "--format",
                     "json", stdout=out)  # fmt: skip
    said = json.loads(out.getvalue())
    row = next(r for r in said["rows"] if r["account"] == "3310")
    assert list(row)[:6] == ["section", "account", "name", "period", "to_date", "lines"]
    assert {k: row[k] for k in list(row)[6:]} == {
        "committed": "40000.00", "total": "75000.00", "etc": "0.00", "efc": "72000.00",
        "budget": "50000.00", "overages": "0.00", "variance": "-22000.00", "overrun": "3000.00",
    }  # fmt: skip
    assert said["total"]["budget"] == "561000.00"
    out = StringIO()
    with role("worker"):
        call_command("trial_balance", "--production", film.code, "--book", "budget", "--format",
                     "json", stdout=out)  # fmt: skip
    assert json.loads(out.getvalue())["totals"]["USD"] == {
        "debit": "562000.50", "credit": "562000.50",
    }  # fmt: skip


def test_a_change_is_dated_in_the_week_it_is_effective(cast: Cast) -> None:
    film = budget_film(cast)
    locked(film)
    estimated(film, "3310", "delta", "1", date(2026, 2, 10))
    assert by_code(drawn(film, number=5))["3310"].efc == 50000
    assert by_code(drawn(film, number=6))["3310"].efc == 50001
