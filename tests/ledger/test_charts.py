"""The accounts a document names are read; the whole chart only for one it did not announce."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.charts import Chart
from ledger.selectors import accounts
from taxonomy import selectors as taxonomy
from taxonomy.models import Unit
from tests.factories import Film, acting, role


def unit_of(film: Film, code: str) -> Unit:
    unit = taxonomy.unit_by_code(film.production, code)
    assert unit is not None
    return unit


def test_a_chart_of_what_is_named_answers_as_the_whole_one(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        for code in ("MAIN", "SECOND"):
            unit = unit_of(film, code)
            whole = Chart(film.production, unit, None)
            for account in accounts(film.production):
                few = Chart(film.production, unit, ["3310", " 2220"])
                assert few.account(account.code) == whole.account(account.code) == account
                assert few.account_by_id(account.pk) == account
                if (unit.pk, account.code) in taxonomy.leaf_nodes(film.production):
                    assert few.node_id(account) == whole.node_id(account)
            assert few.role("payables") == whole.role("payables") is not None
            assert few.account("9999") is whole.account("9999") is None
            assert few.role("nobody") is whole.role("nobody") is None


def test_it_reads_no_more_while_only_what_is_named_is_asked_for(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        unit = unit_of(film, "MAIN")
        with CaptureQueriesContext(connection) as asked:
            chart = Chart(film.production, unit, ["3310"])
            lens, payables = chart.account("3310"), chart.role("payables")
            assert lens is not None and payables is not None
            assert chart.node_id(lens) != chart.node_id(payables)
            assert chart.account_by_id(lens.pk) is lens
        assert len(asked) == 2
        with CaptureQueriesContext(connection) as asked:
            assert chart.account("2220") is not None
            assert chart.account("no such account") is None
        assert len(asked) == 2
