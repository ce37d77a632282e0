"""Every import contract is broken once on purpose, in a copy of the packages, and must notice."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in SETTINGS["contracts"]}

# (contract, file, line to add to it, what lint-imports must say)
PLANTED = [
    ("house", "access/errors.py", "from taxonomy import money", "access.errors -> taxonomy.money"),
    ("house", "ledger/seal.py", "from prodacct import server", "ledger.seal -> prodacct.server"),
    ("prodacct", "prodacct/server.py", "from prodacct import schema", "prodacct.server ->"),
    ("access", "access/roles.py", "from access import selectors", "access.roles ->"),
    ("alerts", "alerts/models.py", "from alerts import services", "alerts.models ->"),
    ("taxonomy", "taxonomy/models.py", "from taxonomy import services", "taxonomy.models ->"),
    ("ledger", "ledger/selectors.py", "from ledger import services", "ledger.selectors ->"),
    ("budgets", "budgets/models.py", "from budgets import selectors", "budgets.models ->"),
    (
        "budget_formats",
        "budgets/formats/stated.py",
        "import budgets.formats.tab_file",
        ".stated ->",
    ),
    ("purchasing", "purchasing/papers.py", "from purchasing import orders", "purchasing.papers ->"),
    ("readlog", "readlog/models.py", "from readlog import services", "readlog.models ->"),
    ("overrides", "overrides/models.py", "from overrides import selectors", "overrides.models ->"),
    ("ingestion", "ingestion/services.py", "from ingestion import tasks", "ingestion.services ->"),
    ("formats", "ingestion/formats/records.py", "import ingestion.formats.csv_file", ".records ->"),
    (
        "connectors",
        "ingestion/connectors/terms.py",
        "import ingestion.connectors.client",
        ".terms ->",
    ),
    (
        "ingestion_views",
        "ingestion/views/questions.py",
        "from ingestion.views import desk",
        ".questions ->",
    ),
    ("screens", "ingestion/screens/imports.py", "import ingestion.screens.desk", ".imports ->"),
    ("desk", "ingestion/desk/settling.py", "import ingestion.desk.work", ".settling ->"),
    ("alerting", "ingestion/alerting/kinds.py", "import ingestion.alerting.alerts", ".kinds ->"),
    ("gate", "ingestion/gate/schema.py", "import ingestion.gate.pipeline", ".schema ->"),
    ("layouts", "ingestion/layouts/mapping.py", "import ingestion.layouts.rules", ".mapping ->"),
    ("reports", "reports/cost_report.py", "from reports import views", "reports.cost_report ->"),
    ("pure", "taxonomy/money.py", "import django.conf", "taxonomy.money -> django"),
    ("launcher", "prodacct/programs.py", "import django.conf", "prodacct.programs -> django"),
]
# Indirect: what a pure module imports may not reach Django either.
INDIRECT = ("pure", "ledger/seal.py", "from taxonomy import selectors", "ledger.seal ->")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and their contracts."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", root)
    for package in SETTINGS["root_packages"]:
        shutil.copytree(
            ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return root


@pytest.fixture
def planted(tree: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, str, str]]:
    """The copy with one line more in one file; that file as it was, afterwards."""
    contract, path, line, said = request.param
    target = tree / path
    before = target.read_text() if target.exists() else None
    target.write_text(f"{before or ''}\n{line}\n")
    yield tree, contract, said
    if before is None:
        target.unlink()
    else:
        target.write_text(before)


def lint(root: Path, contract: str) -> tuple[int, str]:
    """lint-imports on one contract: its exit code, and what it says on one line."""
    done = subprocess.run(
        [
            sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()",
            "--contract", contract, "--cache-dir", str(root / ".cache"),
        ],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    "planted", [*PLANTED, INDIRECT], indirect=True, ids=lambda p: f"{p[0]}-{p[1]}"
)
def test_a_planted_import_breaks_its_contract(planted: tuple[Path, str, str]) -> None:
    root, contract, said = planted
    code, told = lint(root, contract)
    assert code == 1, told
    assert "1 broken" in told
    assert said in told


def test_every_contract_is_broken_once() -> None:
    assert {contract for contract, *_ in PLANTED} == set(CONTRACTS)


APPS = [name for name, contract in CONTRACTS.items() if contract.get("containers")]


@pytest.mark.parametrize(
    "planted",
    [("ledger", "ledger/stray.py", "", "ledger.stray")],
    indirect=True,
)
def test_a_new_file_needs_a_line(planted: tuple[Path, str, str]) -> None:
    root, contract, said = planted
    code, told = lint(root, contract)
    assert code == 1
    assert f"not listed as layers: - {said}" in told


def test_every_app_lists_all_its_files() -> None:
    containers = [c for name in APPS for c in CONTRACTS[name]["containers"]]
    assert all(CONTRACTS[name]["exhaustive"] for name in APPS)
    packages = set(SETTINGS["root_packages"]) - {"demo"}
    assert set(containers) == packages | {
        "budgets.formats", "ingestion.alerting", "ingestion.connectors", "ingestion.desk",
        "ingestion.formats", "ingestion.gate", "ingestion.layouts", "ingestion.screens",
        "ingestion.views",
    }  # fmt: skip


def test_two_apps_on_one_layer_may_not_import_each_other(tree: Path) -> None:
    settings = tree / "pyproject.toml"
    before = settings.read_text()
    settings.write_text(
        before.replace('"ingestion", "reports"]', '"ingestion", "reports", "reconciliation"]')
    )
    (tree / "reconciliation").mkdir()
    (tree / "reconciliation" / "__init__.py").write_text("from ingestion import models\n")
    code, told = lint(tree, "house")
    settings.write_text(before)
    shutil.rmtree(tree / "reconciliation")
    assert code == 1
    assert "reconciliation -> ingestion.models" in told
