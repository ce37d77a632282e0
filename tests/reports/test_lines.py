"""The postings behind a figure: which they are, in what order, and page by page without a gap."""

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ledger.selectors import periods
from reports import lines
from reports.lines import Filter, Page
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, make_film, role

ROWS = 1203


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """More postings on one account than two pages hold, among those of another department."""
    with role("owner"):
        film = make_film(cast)
    rows = [
        cost_line(n, amount=f"{n}.{n % 100:02d}", day=f"2026-01-{6 + n % 14:02d}")
        for n in range(1, ROWS + 1)
    ]
    for n in range(0, ROWS, 10):
        rows.insert(n, cost_line(f"ART{n}", account="2220", center="ART", amount="1.00"))
    batch = import_data(film, cost_lines(rows))
    assert batch.quarantined == 0
    import_data(film, cost_lines([cost_line("S1", amount="5.00")]), unit="SECOND")
    import_data(film, cost_lines([cost_line("E1", amount="7.00", currency="EUR")]))
    return film


def asked(film: Film, code: str, **changed: Any) -> Filter | None:
    given: dict[str, Any] = {"upto": True, "unit_id": None, "currency": None, "number": 12}
    given |= changed
    number = given.pop("number")
    period = next(p for p in periods(film.production) if p.number == number)
    return lines.filter_for(film.production, code, period=period, **given)


def page(film: Film, person: str, code: str, **changed: Any) -> Page:
    with role("web"), acting(film, person):
        found = asked(film, code, **changed)
        assert found is not None
        return lines.account_lines(film.production, found)


@pytest.mark.parametrize("person", ["amir", "cho"])
def test_pages_follow_each_other_without_a_gap_or_a_repeat(
    film: Film, browse: Callable[[str], Client], person: str
) -> None:
    client = browse(person)
    url: str | None = reverse("account_lines", args=[film.code, "3310"]) + "?upto=12"
    seen: list[tuple[str, str]] = []
    sizes = []
    while url:
        context = client.get(url).context
        assert (context["count"], context["total"]) == (ROWS + 1, EXPECTED)
        sizes.append(len(context["lines"]))
        seen += [(line["url"], line["reference"]) for line in context["lines"]]
        url = context["next_url"]
    assert sizes == [500, 500, 204]
    assert len({u for u, _ in seen}) == len(seen) == ROWS + 1
    assert [r for _, r in seen[:ROWS]] == [f"TX{n:06d}" for n in range(1, ROWS + 1)]


EXPECTED = "{:,.2f} USD".format(
    sum(Decimal(f"{n}.{n % 100:02d}") for n in range(1, ROWS + 1)) + Decimal(5)
)


def test_a_page_that_starts_beyond_the_end_is_empty_and_still_states_the_whole(
    film: Film, browse: Callable[[str], Client]
) -> None:
    url = reverse("account_lines", args=[film.code, "3310"]) + "?upto=12&after=999999999-1"
    context = browse("amir").get(url).context
    assert (context["lines"], context["count"]) == ([], ROWS + 1)


def test_exactly_a_full_page_has_no_next_page(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PAGE_LINES", 121)
    found = page(film, "amir", "2220")
    assert (len(found.lines), found.count, found.after) == (121, 121, None)


@pytest.mark.parametrize(
    ("code", "taken_in"),
    [
        ("3310", {"3310"}),
        ("3300", {"3300", "3301", "3310", "3399"}),
        ("section-ATL", {"1101", "1401", "1499"}),
        ("section-BTL", {"2210", "2220", "3301", "3310", "3399"}),
        ("section-OTHER", {"7015"}),  # what exchange rates cost, in every chart
        ("all", {"1101", "1401", "1499", "2210", "2220", "3301", "3310", "3399", "7015"}),
    ],
)
def test_a_category_a_section_and_all_costs_take_in_their_accounts(
    film: Film, code: str, taken_in: set[str]
) -> None:
    with role("web"), acting(film, "amir"):
        found = asked(film, code)
        assert found is not None
        codes = {a.pk: a.code for a in lines.accounts(film.production)}
    assert {codes[pk] for pk in found.account_ids} == taken_in


@pytest.mark.parametrize(
    "code", ["", "9999", "section-", "section-XXX", "section-btl", "ALL", "33"]
)
def test_a_code_that_names_nothing_has_no_filter(film: Film, code: str) -> None:
    with role("web"), acting(film, "amir"):
        assert asked(film, code) is None


def test_the_counter_account_shows_the_same_documents_with_the_other_sign(film: Film) -> None:
    with role("web"), acting(film, "cho"):
        payables = next(
            a.code for a in lines.accounts(film.production) if a.clearing_role == "payables"
        )
    costs, debts = page(film, "cho", "all"), page(film, "cho", payables)
    assert (debts.count, debts.total) == (costs.count, -costs.total)


def test_an_account_that_stands_against_another_of_the_balance_sheet_opens_all_its_lines(
    cast: Cast,
) -> None:
    """What payroll withholds leaves payroll clearing: both open the lines that sum to them."""
    with role("owner"):
        film = make_film(cast)
    log = (
        "Worker Name,Position/Title,Work Date,Earnings Type,Gross Wages,Deductions,Employer Taxes,"
        "Net Pay,Cost Code,Payroll Run Date\n"
        "Jo Eide,Operator,01/06/2026,Regular,1200.00,288.00,109.80,912.00,3301,01/16/2026\n"
        "Bo Ray,Dresser,01/06/2026,Regular,500.00,120.00,45.75,380.00,2210,01/16/2026\n"
    )
    assert import_data(film, log.encode(), source="wrapbook-payroll").posted == 2
    found = {code: page(film, "amir", code) for code in ("0310", "0312", "3301")}
    assert [line.amount for line in found["0310"].lines] == [
        Decimal(t) for t in ("-1200", "-109.80", "288", "-500", "-45.75", "120")
    ]
    assert [line.amount for line in found["0312"].lines] == [Decimal(-288), Decimal(-120)]
    assert [line.amount for line in found["3301"].lines] == [Decimal(1200)]
    for opened in found.values():
        assert opened.count == len(opened.lines)
        assert opened.total == sum(line.base_amount or 0 for line in opened.lines)
    clearing = page(film, "cho", "0310")
    assert (clearing.count, clearing.total) == (3, Decimal("-1021.80"))


def test_a_unit_and_a_currency_narrow_the_lines(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        from taxonomy.selectors import unit_by_code

        second = unit_by_code(film.production, "SECOND")
        assert second is not None
    narrowed = page(film, "amir", "3310", unit_id=second.pk)
    assert (narrowed.count, narrowed.total) == (1, Decimal(5))
    euros = page(film, "amir", "all", currency="EUR")
    assert (euros.count, euros.total) == (1, Decimal(7))
    assert euros.lines[0].base_amount is None
    assert page(film, "amir", "all", currency="USD").count == 0, "converted, so not a hole"


def test_a_week_alone_and_the_weeks_before_it_make_up_the_sum_to_date(film: Film) -> None:
    alone, before, upto = (
        page(film, "amir", "3310", number=2, upto=False),
        page(film, "amir", "3310", number=1),
        page(film, "amir", "3310", number=2),
    )
    assert upto.total == alone.total + before.total
    assert upto.count == alone.count + before.count


def test_another_department_has_no_lines_and_no_count_for_a_department_head(film: Film) -> None:
    for code in ("2220", "2200"):
        found = page(film, "cho", code)
        assert (found.lines, found.count, found.total) == ([], 0, Decimal(0))


def test_a_document_opens_with_its_row_and_the_digest_of_the_row(film: Film) -> None:
    first = page(film, "cho", "3310").lines[0]
    with role("web"), acting(film, "cho"):
        opened = lines.opened_transaction(film.production, first.batch_id, first.number)
        assert opened is not None
        row = (cost_line(1, amount="1.01", day="2026-01-07") + "\n").encode()
        assert opened.source_text == row
        assert opened.row_sha256 == hashlib.sha256(row).hexdigest()
        assert opened.seal is not None and len(opened.seal.leaf) == 32
        assert sum(p["amount"] for p in opened.postings) == first.amount
    with role("web"), acting(film, "ada"):
        assert lines.opened_transaction(film.production, first.batch_id, first.number) is None
