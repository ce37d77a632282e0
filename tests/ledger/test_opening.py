"""Opening a production: what it is made of, and what is refused before anything is made."""

import itertools
import os
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from access.errors import Invalid
from access.models import Production
from access.services import console_person
from ledger.opening import DEFAULT_WEEKS, ProductionPlan, open_production
from taxonomy.chart import read_chart, standard_chart
from tests.factories import CHART, role
from tests.ledger.raw_batches import query

HEADER = CHART.splitlines()[0]
_number = itertools.count(1)


@pytest.fixture(autouse=True)
def owner(database: None):  # type: ignore[no-untyped-def]
    with role("owner"):
        yield


def a_plan(**asked: Any) -> ProductionPlan:
    code = f"N{os.getpid()}-{next(_number)}"
    plan = ProductionPlan(code=code, title="Night Ferry", currency="USD", chart=CHART)
    return replace(plan, **asked)


def opened(**asked: Any) -> Production:
    return open_production(actor=console_person(), plan=a_plan(**asked))


def refusal(**asked: Any) -> str:
    """The sentence of the refusal; nothing is left behind by it."""
    before = query("SELECT count(*) FROM access_production")
    with pytest.raises(Invalid) as refused:
        opened(**asked)
    assert query("SELECT count(*) FROM access_production") == before
    return refused.value.message


def column(production: Production, table: str, name: str, order: str = "id") -> list[Any]:
    rows = query(f"SELECT {name} FROM {table} WHERE production_id = %s ORDER BY {order}",
                 production.pk)  # fmt: skip
    return [row[0] for row in rows]


def test_the_production_office_is_a_unit_whatever_units_are_named() -> None:
    for units, expected in (
        (("MAIN",), ["MAIN", "OFFICE"]),
        (("main", "Second"), ["main", "Second", "OFFICE"]),
        (("OFFICE", "MAIN"), ["MAIN", "OFFICE"]),
        (("MAIN", "main"), ["MAIN", "OFFICE"]),
        ((), ["OFFICE"]),
    ):
        production = opened(units=units)
        assert column(production, "taxonomy_unit", "code") == expected
        assert column(production, "ledger_loghead", "size", "unit_id") == [0] * len(expected)


def test_each_department_of_the_chart_is_a_cost_centre_with_a_short_code() -> None:
    production = opened()
    codes = dict(
        query("SELECT code, name FROM taxonomy_costcenter WHERE production_id = %s", production.pk)
    )
    assert codes == {"CAM": "Camera", "ART": "Art", "CAS": "Cast", "WRI": "Writing"}


def test_the_accounts_are_the_chart_s_and_the_clearing_accounts_it_lacks() -> None:
    production = opened()
    made = {
        code: (name, postable)
        for code, name, postable in query(
            "SELECT code, name, is_postable FROM ledger_account WHERE production_id = %s",
            production.pk,
        )
    }
    for row in read_chart(CHART).rows:
        assert made.pop(row.account) == (row.name, row.is_detail)
    roles = column(production, "ledger_account", "clearing_role")
    played = sorted(role for role in roles if role)
    assert len(made) == len(played) == len(set(played))
    assert {"payables", "payroll_clearing", "card_clearing", "journal_clearing"} <= set(played)


def test_a_detail_names_its_category_and_its_cost_centre() -> None:
    production = opened()
    assert query(
        "SELECT c.code, k.code, a.line FROM ledger_account a"
        " JOIN ledger_account c ON c.id = a.category_id"
        " JOIN taxonomy_costcenter k ON k.id = a.cost_center_id"
        " WHERE a.production_id = %s AND a.code = '3310'",
        production.pk,
    ) == [("3300", "CAM", "BTL")]


def test_periods_are_weeks_without_gaps_and_all_open() -> None:
    production = opened(starts_on=date(2026, 12, 28), weeks=60)
    rows = query(
        "SELECT number, starts_on, ends_on, state FROM ledger_period WHERE production_id = %s"
        " ORDER BY number",
        production.pk,
    )
    assert [row[0] for row in rows] == list(range(1, 61))
    assert rows[0][1] == date(2026, 12, 28)
    for (_, starts, ends, state), after in zip(rows, [*rows[1:], None], strict=True):
        assert ends - starts == timedelta(days=6)
        assert state == "open"
        assert after is None or after[1] == ends + timedelta(days=1)


def test_the_first_week_is_this_one_unless_another_is_named() -> None:
    production = opened()
    starts = column(production, "ledger_period", "starts_on", "number")
    assert len(starts) == DEFAULT_WEEKS == 26
    assert starts[0].weekday() == 0
    assert timedelta(0) <= date.today() - starts[0] < timedelta(days=7)  # noqa: DTZ011


def test_without_a_chart_the_standard_one_is_taken() -> None:
    production = opened(chart=None)
    codes = set(column(production, "ledger_account", "code"))
    assert {row.account for row in standard_chart()} <= codes
    assert production.account_format == "NNNN"
    for clearing in ("payables", "payroll_clearing", "card_clearing", "journal_clearing"):
        assert column(production, "ledger_account", "clearing_role").count(clearing) == 1


def test_the_account_format_is_read_from_the_chart_when_it_is_not_named() -> None:
    assert opened().account_format == "NNNN"
    dashed = HEADER + "\n2101-03-04,,Camera package,detail,BTL,Camera,rental,debit,cost\n"
    assert opened(chart=dashed).account_format == "NNNN-NN-NN"


def test_an_account_format_the_chart_does_not_keep_is_refused() -> None:
    assert "the standard chart is written NNNN" in refusal(chart=None, account_format="NNNN-NN")
    said = refusal(account_format="NNNN-NN")
    assert said.count("NNNN-NN") >= 8, "every detail account is named"
    assert refusal(account_format="NNNN NN").startswith("account format: ")


def test_every_fault_of_the_chart_is_said_at_once() -> None:
    chart = "\n".join(
        [
            HEADER,
            "3300,,Camera,category,BTL,Camera,,debit,cost",
            "3310,9999,Camera package,detail,BTL,Camera,rental,debit,cost",
            "3310,3300,Again,detail,BTL,Camera,rental,debit,cost",
            "3320,3300,Lenses,detail,BELOW,Camera,rental,debit,cost",
            "3330,3300,Grip,detail,BTL,Camera,rental,sideways,cost",
            "",
        ]
    )
    said = refusal(chart=chart)
    assert said.startswith("chart of accounts:\n")
    assert len(said.splitlines()) >= 5
    for word in ("9999", "3310", "BELOW", "sideways"):
        assert word in said
    for line in ("Line 3", "Line 4", "Line 5", "Line 6"):
        assert line in said


@pytest.mark.parametrize("chart", ["", "\n", HEADER + "\n", "no,columns\n1,2\n"])
def test_a_chart_without_accounts_is_refused(chart: str) -> None:
    assert refusal(chart=chart)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"currency": "XXQ"}, "currency: "),
        ({"currency": "usd "}, "currency: "),
        ({"weeks": 0}, "weeks: expected 1 to 520, found 0"),
        ({"weeks": 521}, "weeks: expected 1 to 520, found 521"),
        ({"code": ""}, "code: expected up to 20 letters"),
        ({"code": "X" * 21}, "code: expected up to 20 letters"),
        ({"code": "../etc"}, "code: expected up to 20 letters"),
        ({"code": "---"}, "code: expected up to 20 letters"),
        ({"code": "\u0661\u0662"}, "code: expected up to 20 letters"),
        ({"units": ("MAIN", "")}, "units: expected letters and digits"),
        ({"units": ("M/N",)}, "units: expected letters and digits"),
        ({"units": ("X" * 21,)}, "units: expected letters and digits"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    asked: dict[str, Any], said: str
) -> None:
    assert refusal(**asked).startswith(said)


def test_a_code_that_is_taken_is_refused_in_any_case() -> None:
    production = opened()
    for code in (production.code, production.code.lower()):
        assert "exists already" in refusal(code=code)


def test_a_production_whose_weeks_leave_the_calendar_is_refused() -> None:
    assert refusal(starts_on=date(9999, 12, 1), weeks=26).startswith("start: 26 weeks from 9999")
    assert column(opened(starts_on=date(9999, 1, 4), weeks=50), "ledger_period", "number")


def test_the_console_can_import_into_what_it_opened() -> None:
    production = opened()
    assert query(
        "SELECT m.role, u.email FROM access_membership m JOIN access_user u ON u.id = m.user_id"
        " WHERE m.production_id = %s",
        production.pk,
    ) == [("production_accountant", "console@localhost")]


# --- the command ----------------------------------------------------------------------------------


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("new_production", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_opens_a_production_with_a_chart_from_a_file(tmp_path: Path) -> None:
    chart = tmp_path / "chart.csv"
    chart.write_text("\ufeff" + CHART, encoding="utf-8")
    code = a_plan().code
    said = command(code, "--title", "Night Ferry", "--currency", "EUR", "--chart", str(chart),
                   "--units", "main, second ,", "--start", "2026-03-02",
                   "--weeks", "3")  # fmt: skip
    assert said == f"{code} is open: Night Ferry, EUR\n"
    production = Production.objects.get(code=code)
    assert column(production, "taxonomy_unit", "code") == ["main", "second", "OFFICE"]
    assert column(production, "ledger_period", "starts_on", "number") == [
        date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"\xff\xfe\x00", "codec can't decode"), (b"a,b\n", "chart of acc")],
)
def test_the_command_says_in_one_sentence_what_is_wrong_with_the_file(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    chart = tmp_path / "chart.csv"
    if content is not None:
        chart.write_bytes(content)
    with pytest.raises(CommandError, match=said):
        command(a_plan().code, "--title", "T", "--currency", "USD", "--chart", str(chart))
