"""The trial balance, the bible and the periods on the screen."""

import csv
import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from purchasing.orders import LinePlan
from reports import bible as books
from tests.factories import Film, cost_line, cost_lines, import_data, role
from tests.purchasing.desk import Browse, posted, refused, text_of, url
from tests.purchasing.office import office


def costs(film: Film, *rows: str) -> None:
    batch = import_data(film, cost_lines(list(rows)))
    assert batch.posted == len(rows), batch.reason


def printed(film: Film, *options: str) -> list[list[str]]:
    out = io.StringIO()
    with role("worker"):
        call_command("bible", "--production", film.code, "--format", "csv", *options, stdout=out)
    return list(csv.reader(io.StringIO(out.getvalue())))


def test_the_trial_balance_is_in_balance_and_each_figure_opens_its_account(
    film: Film, browse: Browse
) -> None:
    costs(film, cost_line(1), cost_line(2, account="2220", center="ART", amount="10.00"),
          cost_line(3, currency="EUR", amount="7.00"))  # fmt: skip
    page = browse("lena").get(url(film, "trial_balance"))
    assert [(t["currency"], t["debit"], t["credit"], t["difference"])
            for t in page.context["totals"]] == [
        ("EUR", "7.00", "7.00", ""), ("USD", "135.00", "135.00", ""),
    ]  # fmt: skip
    for line in page.context["lines"]:
        opened = browse("lena").get(line["url"])
        assert opened.status_code == 200
        sections = {s["currency"]: s["closing"] for s in opened.context["sections"]}
        shown = line["debit"] or f"({line['credit']})"
        assert sections[line["currency"]] == shown
    assert browse("cho").get(url(film, "trial_balance")).status_code == 404


def test_the_trial_balance_is_shown_of_each_of_the_four_books(film: Film, browse: Browse) -> None:
    costs(film, cost_line(1))
    amir = browse("amir")
    office(film).opened(LinePlan("3310", "1", "250.00"))
    page = amir.get(url(film, "trial_balance") + "?book=commitment")
    assert [(t["debit"], t["credit"]) for t in page.context["totals"]] == [("250.00", "250.00")]
    assert "Commitment book, to date" in text_of(page)
    for book in ("budget", "forecast"):
        page = amir.get(url(film, "trial_balance") + f"?book={book}")
        assert (page.status_code, page.context["lines"]) == (200, [])
    assert [b["name"] for b in page.context["books"] if b["is_shown"]] == ["Forecast"]
    assert amir.get(url(film, "trial_balance") + "?book=cash").status_code == 404


def test_the_bible_runs_on_line_by_line_and_names_corrections(film: Film, browse: Browse) -> None:
    costs(film, cost_line(1, amount="100.00", day="2026-01-14"),
          cost_line(2, amount="-30.00", day="2026-01-07"),
          cost_line(3, amount="5.00", day="2026-01-21"))  # fmt: skip
    amir = browse("amir")
    page = amir.get(url(film, "bible") + "?account=3310")
    (section,) = page.context["sections"]
    assert [(x["debit"], x["credit"], x["running"]) for x in section["lines"]] == [
        ("", "30.00", "(30.00)"), ("100.00", "", "70.00"), ("5.00", "", "75.00"),
    ]  # fmt: skip
    posted(amir.post(section["lines"][1]["url"] + "reverse/",
                     {"day": "2026-01-28", "reason": "twice"}))  # fmt: skip
    (section,) = amir.get(url(film, "bible") + "?account=3310").context["sections"]
    assert [x["correction"] for x in section["lines"]] == [
        "", "Reversed by REV TX000001", "", "Reverses TX000001",
    ]  # fmt: skip
    category = amir.get(url(film, "bible") + "?account=3300").context["sections"]
    assert [s["code"] for s in category] == ["3310"]
    week = amir.get(url(film, "bible") + "?account=3310&period=3").context["sections"][0]
    assert (week["before"], week["closing"]) == ("70.00", "75.00")


def test_the_bible_is_paged_and_its_balance_runs_over_the_pages(
    film: Film, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs(film, *(cost_line(n, amount="1.00", currency="EUR" if n % 3 else "USD")
                  for n in range(1, 12)), cost_line(20, account="2220", center="ART"))  # fmt: skip
    whole = printed(film)
    monkeypatch.setattr(books, "PAGE_LINES", 5)
    assert printed(film) == whole
    assert len(whole) == 1 + 24, "both legs of every posting"
    seen, address = 0, url(film, "bible")
    while address:
        page = browse("amir").get(address)
        seen += sum(len(s["lines"]) for s in page.context["sections"])
        address = page.context["next_url"]
    assert seen == 24
    assert [row[10] for row in whole if row[0] == "3310" and row[2] == "EUR"][-1] == "8.00"
    assert browse("amir").get(url(film, "bible") + "?first=9999").status_code == 200


def test_a_head_reads_the_own_lines_of_the_bible_only(film: Film, browse: Browse) -> None:
    costs(film, cost_line(1, vendor="CAMERAONLY"),
          cost_line(2, account="2220", center="ART", vendor="ARTONLY"))  # fmt: skip
    said = text_of(browse("cho").get(url(film, "bible")))
    assert "CAMERAONLY" in said
    assert "ARTONLY" not in said
    for query in ("?account=9999", "?period=99", "?period=x", "?first=-1"):
        assert browse("amir").get(url(film, "bible") + query).status_code == 404


def test_the_command_prints_one_account_and_no_other(film: Film) -> None:
    costs(film, cost_line(1), cost_line(2, account="2220", center="ART", vendor="=1+1"))
    header, *rows = printed(film, "--account", "2220")
    assert header[0] == "account"
    assert [(r[0], r[5], r[8], r[10]) for r in rows] == [("2220", "'=1+1", "125.00", "125.00")]
    with pytest.raises(CommandError, match="no account"):
        printed(film, "--account", "1")
    with pytest.raises(CommandError, match="no period"):
        printed(film, "--period", "99")


def test_periods_close_in_order_and_say_who_closed_them(film: Film, browse: Browse) -> None:
    costs(film, cost_line(1, day="2026-01-06"))
    amir = browse("amir")
    first = amir.get(url(film, "periods")).context["periods"][0]
    assert (first["documents"], first["state"], first["closed"]) == ("1", "open", "")
    assert [p["number"] for p in amir.get(url(film, "periods")).context["periods"]
            if p["close_url"]] == [1]  # fmt: skip
    assert "opened by nobody" in text_of(amir.get(first["close_url"]))
    refused(amir.post(url(film, "close_period", 2)), 409, "close wk 1 first")
    posted(amir.post(first["close_url"]))
    row = amir.get(url(film, "periods")).context["periods"][0]
    assert row["state"] == "closed"
    assert row["closed"].endswith("by Amir")
    refused(amir.post(first["close_url"]), 409, "is not open")
    lena = browse("lena")
    assert not any(p["close_url"] for p in lena.get(url(film, "periods")).context["periods"])
    assert lena.post(url(film, "close_period", 2)).status_code == 404
    assert browse("cho").get(url(film, "periods")).status_code == 404
