"""The commands a script builds on: their words, their figures and their exit codes."""

import csv
import hashlib
import io
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ingestion import mappings
from ingestion.layouts.sources import REGISTRY
from tests.factories import CHART, Film, acting, cost_line, cost_lines, make_film, role
from tests.ingestion.books import entries
from tests.ingestion.deciding import payroll

KEYS = [
    "file", "sha256", "batch", "state", "rows", "posted", "duplicate", "quarantined", "code",
    "reason",
]  # fmt: skip
MIXED = [
    cost_line(1, amount="100.00"), cost_line(2, amount="-30.50", account="2220", center="ART"),
    cost_line(3, amount="70.00", currency="EUR"), cost_line(4, amount="x"),
    cost_line(1, amount="100.00"),
    cost_line(5, amount="40.25", account="1401", center="CAS", day="2026-01-20"),
]  # fmt: skip


def run(name: str, film: Film, *args: object, **options: object) -> str:
    """What a command prints, run as the worker role."""
    out = io.StringIO()
    with role("worker"):
        call_command(name, *args, production=film.code, stdout=out, **options)
    return out.getvalue()


def imported(film: Film, *files: Path, **options: object) -> list[dict[str, Any]]:
    """import_file --json: one object per line."""
    options.setdefault("source", "cost-lines")
    said = run("import_file", film, *map(str, files), json=True, **options)
    return [json.loads(line) for line in said.splitlines()]


@pytest.fixture
def week(tmp_path: Path) -> Path:
    path = tmp_path / "week.csv"
    path.write_bytes(cost_lines(MIXED))
    return path


def test_an_import_says_what_became_of_every_row(film: Film, week: Path) -> None:
    (said,) = imported(film, week)
    assert list(said)[: len(KEYS)] == KEYS
    assert said["file"] == str(week)
    assert said["sha256"] == hashlib.sha256(week.read_bytes()).hexdigest()
    assert isinstance(said["batch"], int)
    assert (said["state"], said["code"], said["reason"]) == ("posted_with_quarantine", None, "")
    assert (said["rows"], said["posted"], said["duplicate"], said["quarantined"]) == (6, 4, 1, 1)
    assert said["repeat"] is False


def test_importing_a_file_again_posts_nothing(film: Film, week: Path) -> None:
    (first,), (again,) = imported(film, week), imported(film, week)
    assert again["batch"] == first["batch"]
    assert (again["posted"], again["duplicate"], again["quarantined"]) == (0, 5, 1)
    assert again["rows"] == again["duplicate"] + again["quarantined"]
    assert again["repeat"] is True
    assert len(entries(film)) == 4


def test_every_result_has_the_same_keys(film: Film, week: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"")
    keys = {tuple(imported(film, week)[0]), tuple(imported(film, week)[0])}
    for files, options in (([bad], {}), ([week], {"source": "no-such"})):
        out = io.StringIO()
        with pytest.raises(SystemExit), role("worker"):
            call_command("import_file", *map(str, files), production=film.code, stdout=out,
                         json=True, **{"source": "cost-lines", **options})  # fmt: skip
        keys.add(tuple(json.loads(out.getvalue())))
    assert len(keys) == 1


def test_a_rejected_file_exits_with_2_and_the_others_are_imported(
    film: Film, week: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"%PDF-1.4 no costs")
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended, role("worker"):
        call_command("import_file", str(bad), str(week), production=film.code,
                     source="cost-lines", json=True, stdout=out)  # fmt: skip
    assert ended.value.code == 2
    first, second = map(json.loads, out.getvalue().splitlines())
    assert (first["state"], first["code"], first["rows"]) == ("rejected", "E_FILETYPE", 0)
    assert first["reason"]
    assert (second["state"], second["posted"]) == ("posted_with_quarantine", 4)


def test_several_files_are_imported_in_the_order_given(film: Film, tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.csv" for n in (2, 1)]
    for path in paths:
        path.write_bytes(cost_lines([cost_line(1), cost_line(path.name)]))
    said = imported(film, *paths)
    assert [(s["file"], s["posted"], s["duplicate"]) for s in said] == [
        (str(paths[0]), 2, 0),
        (str(paths[1]), 1, 1),
    ]


def test_a_file_is_of_the_unit_named_or_the_first(film: Film, tmp_path: Path) -> None:
    for number, unit in enumerate((None, "second")):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(cost_lines([cost_line(number)]))
        imported(film, path, unit=unit)
    assert [entry.unit for entry in entries(film)] == ["MAIN", "SECOND"]


@pytest.mark.parametrize(
    ("options", "word"),
    [({"source": "bank"}, "source"), ({"unit": "THIRD"}, "THIRD"), ({"source": ""}, "source")],
)
def test_what_nobody_knows_is_refused_with_a_sentence_and_exit_2(
    film: Film, week: Path, options: dict[str, str], word: str
) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended, role("worker"):
        call_command("import_file", str(week), production=film.code, json=True, stdout=out,
                     **{"source": "cost-lines", **options})  # fmt: skip
    assert ended.value.code == 2
    said = json.loads(out.getvalue())
    assert (said["state"], said["batch"]) == ("rejected", None)
    assert word in said["reason"]


def test_a_missing_file_and_an_unknown_production_stop_the_command(
    film: Film, week: Path, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="is not a file"):
        imported(film, tmp_path / "gone.csv")
    with pytest.raises(CommandError, match="no production 'NOPE'"), role("worker"):
        call_command("import_file", str(week), production="NOPE", source="cost-lines")


def test_for_people_an_import_is_one_line(film: Film, week: Path) -> None:
    said = run("import_file", film, str(week), source="cost-lines")
    assert said == (
        f"{week}  posted_with_quarantine  6 rows = 4 posted + 1 duplicate + 1 quarantined\n"
    )


def test_what_is_declared_of_a_file_is_obeyed(film: Film, tmp_path: Path) -> None:
    path = tmp_path / "europe.csv"
    row = cost_line(1, amount='"1.234,50"', day="14/01/2026", vendor="Café")
    path.write_bytes(cost_lines([row]).decode().encode("cp1252"))
    options = {"encoding": "cp1252", "decimal": ",", "date_format": "%d/%m/%Y"}
    (said,) = imported(film, path, **options)
    assert said["posted"] == 1
    assert [e.amount for e in entries(film)] == ["1234.50"]


def test_quarantine_lists_every_held_row_with_its_reasons_and_its_hash(
    film: Film, week: Path
) -> None:
    imported(film, week)
    (row,) = json.loads(run("quarantine", film, json=True))
    raw = MIXED[3].encode() + b"\n"
    assert (row["file"], row["row"], row["line"], row["state"]) == ("week.csv", 4, 5, "held")
    assert (row["codes"], row["fields"]) == (["E_AMOUNT"], ["amount"])
    assert row["payload"] == raw.decode()
    assert row["payload_sha256"] == hashlib.sha256(raw).hexdigest()
    assert row["violations"][0]["found"] == "x"
    said = run("quarantine", film)
    assert "week.csv line 5  amount E_AMOUNT" in said
    assert said.endswith("1 rows held\n")


def test_an_empty_desk_is_an_empty_list(film: Film) -> None:
    assert json.loads(run("quarantine", film, json=True)) == []


def test_debits_equal_credits_in_every_currency(film: Film, week: Path) -> None:
    imported(film, week)
    balance = json.loads(run("trial_balance", film, format="json"))
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in balance["rows"]:
        assert Decimal(row["debit"]) == 0 or Decimal(row["credit"]) == 0
        sums[row["currency"]][0] += Decimal(row["debit"])
        sums[row["currency"]][1] += Decimal(row["credit"])
    assert {c: d for c, (d, k) in sums.items() if d == k} == {
        "USD": Decimal("140.25"), "EUR": Decimal("70.00"),
    }  # fmt: skip
    assert balance["totals"] == {
        c: {"debit": str(d), "credit": str(k)} for c, (d, k) in sums.items()
    }


def test_the_cost_report_s_total_is_the_sum_of_the_cost_accounts(film: Film, week: Path) -> None:
    imported(film, week)
    report = json.loads(run("cost_report", film, format="json"))
    details, total = report["rows"], report["total"]
    assert (total["period"], total["to_date"]) == ("40.25", "109.75")
    assert (total["efc"], total["etc"], total["budget"]) == ("109.75", "0.00", "0.00")
    assert sum(Decimal(row["to_date"]) for row in details) == Decimal(total["to_date"])
    assert sum(Decimal(row["period"]) for row in details) == Decimal(total["period"])
    assert {(row["section"], row["account"], row["to_date"]) for row in details} == {
        ("ATL", "1401", "40.25"), ("BTL", "2220", "-30.50"), ("BTL", "3310", "100.00"),
    }  # fmt: skip
    for key in total:
        assert sum(Decimal(s[key]) for s in report["sections"].values()) == Decimal(total[key])
    assert report["unconverted"] == {
        "EUR": {"period": "0.00", "to_date": "70.00", "committed": "0.00"}
    }
    balance = json.loads(run("trial_balance", film, format="json"))["rows"]
    costs = sum(
        Decimal(row["debit"]) - Decimal(row["credit"])
        for row in balance
        if row["currency"] == "USD" and row["account"] != "0300"
    )
    assert costs == Decimal(total["to_date"])


def test_the_cost_report_up_to_a_week_leaves_later_weeks_out(film: Film, week: Path) -> None:
    imported(film, week)
    second = json.loads(run("cost_report", film, period=2, format="json"))
    assert (second["period"], second["total"]["to_date"]) == (2, "69.50")
    third = json.loads(run("cost_report", film, period=3, format="json"))
    assert (third["total"]["period"], third["total"]["to_date"]) == ("40.25", "109.75")


def test_a_report_before_any_import_is_empty_and_whole(film: Film) -> None:
    report = json.loads(run("cost_report", film, format="json"))
    assert (report["rows"], set(report["total"].values())) == ([], {"0.00"})
    assert json.loads(run("trial_balance", film, format="json"))["rows"] == []


def test_tables_and_csv_say_the_same_as_json(film: Film, week: Path) -> None:
    imported(film, week)
    for command in ("cost_report", "trial_balance"):
        said = json.loads(run(command, film, format="json"))["rows"]
        rows = list(csv.DictReader(io.StringIO(run(command, film, format="csv"))))
        assert rows == said
        table = run(command, film)
        assert all(row["name"] in table for row in said)
    assert "Not converted yet, in no figure above: EUR 70.00" in run("cost_report", film)


def test_no_spreadsheet_runs_an_account_s_name_and_figures_stay_figures(
    film: Film, tmp_path: Path
) -> None:
    with role("owner"):
        chart = CHART.replace("Art supplies", '=HYPERLINK(""x"")'.replace('""', "'"))
        risky = make_film(film.cast, chart=chart)
    path = tmp_path / "costs.csv"
    path.write_bytes(cost_lines([cost_line(1, account="2220", center="ART", amount="-5.00")]))
    imported(risky, path)
    text = run("cost_report", risky, format="csv")
    row = next(r for r in csv.DictReader(io.StringIO(text)) if r["account"] == "2220")
    assert row["name"] == "'=HYPERLINK('x')"
    assert row["to_date"] == "-5.00"
    row = next(
        r
        for r in csv.DictReader(io.StringIO(run("trial_balance", risky, format="csv")))
        if r["account"] == "2220"
    )
    assert (row["name"], row["credit"]) == ("'=HYPERLINK('x')", "5.00")
    assert "=HYPERLINK('x')" in json.dumps(json.loads(run("cost_report", risky, format="json")))


def test_a_dry_run_says_what_a_file_would_do_and_receives_nothing(film: Film, week: Path) -> None:
    (said,) = imported(film, week, dry_run=True)
    assert (said["state"], said["batch"]) == ("dry_run", None)
    assert (said["rows"], said["posted"], said["duplicate"], said["quarantined"]) == (6, 4, 1, 1)
    assert said["totals"] == [["EUR", "70.0000"], ["USD", "109.7500"]]
    assert entries(film) == []
    (first,) = imported(film, week)
    assert first["repeat"] is False, "nothing was received before"
    (again,) = imported(film, week, dry_run=True)
    assert (again["posted"], again["duplicate"], again["quarantined"]) == (0, 5, 1)
    assert "would be: 6 rows" in run("import_file", film, str(week), source="cost-lines",
                                     dry_run=True)  # fmt: skip


def test_a_file_that_waits_for_its_mapping_is_exit_three(film: Film, tmp_path: Path) -> None:
    path = tmp_path / "payroll.csv"
    path.write_bytes(payroll())
    for dry_run in (True, False):
        with pytest.raises(SystemExit) as ended:
            run("import_file", film, str(path), source="wrapbook-payroll", dry_run=dry_run)
        assert ended.value.code == 3


def test_the_versions_of_every_source_are_listed(film: Film) -> None:
    with role("web"), acting(film, "amir"):
        mappings.add_rule(
            actor=film.cast["amir"], production=film.production, source="pex-cards",
            rule={"kind": "ignore", "header": "Shelf"}, reason="no cost",
        )  # fmt: skip
    said = run("mappings", film)
    assert "Amir" in said
    assert "column 'Shelf' is left out" in said
    kept = json.loads(run("mappings", film, json=True))
    names = {source["name"] for source in kept["sources"]}
    assert f"{REGISTRY['pex-cards'].name}+1" in names
    assert REGISTRY["vendor-invoices"].name in names
