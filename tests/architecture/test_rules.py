"""The house keeps its rules, and each rule notices when it is broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import rules, surfaces
from tests.architecture.sources import ROOT

Rule = Callable[[Path], list[str]]
ROLES = 'URL_ACTIONS: Final = {"login": ANYBODY}\n'
MODEL = """\
from access.models import Production
class Cheque(models.Model):
    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
"""
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 50

# (rule, file to plant, its text, what the rule must say of it)
PLANTED: list[tuple[Rule, str, str, str]] = [
    (rules.sizes, "ledger/long.py", "x = 1\n" * 501, "501 lines"),
    (rules.sizes, "ledger/wide.py", "x = '" + "y" * 100 + "'\n", "106 columns"),
    (rules.sizes, "ledger/function.py", LONG_FUNCTION, "f has 51 lines"),
    (rules.sizes, "tests/test_long.py", LONG_FUNCTION, "f has 51 lines"),
    (rules.sizes, "ledger/many.py", "def f(a, b, c, d, /, e, f, *, g, h): ...\n", "too many"),
    (rules.managers_in_surfaces, "ledger/views.py", "Batch.objects.all()\n", "Batch.objects"),
    (rules.managers_in_surfaces, "ledger/api/batches.py", "B.objects.get()\n", "B.objects"),
    (rules.managers_in_surfaces, "ledger/tasks.py", "connection.cursor()\n", "connection.cursor"),
    (rules.managers_in_surfaces, "ledger/management/commands/c.py", "B.objects\n", "B.objects"),
    (
        rules.foreign_keys,
        "ledger/models.py",
        'from ingestion.models import X\nclass A:\n    x = FK.ForeignKey(X, related_name="+")\n',
        "A points up to ingestion",
    ),
    (
        rules.foreign_keys,
        "access/models.py",
        'class A:\n    x = m.OneToOneField("ledger.Batch", related_name="+")\n',
        "A points up to ledger",
    ),
    (
        rules.foreign_keys,
        "ledger/models.py",
        'class A:\n    a = models.ForeignKey("self", related_name="children")\n',
        'without related_name="+"',
    ),
    (
        rules.signals_and_lookups,
        "ledger/apps.py",
        "from django.db.models.signals import post_save\n",
        "post_save is a signal",
    ),
    (rules.signals_and_lookups, "ledger/a.py", "from django.db.models import signals\n", "signals"),
    (rules.signals_and_lookups, "ledger/a.py", "from django.dispatch import Signal\n", "Signal"),
    (rules.signals_and_lookups, "ledger/a.py", "apps.get_model('x', 'y')\n", "get_model()"),
    (rules.signals_and_lookups, "ledger/a.py", "import_string('a.b')\n", "import_string()"),
    (rules.floats, "taxonomy/a.py", "x = float('1.5')\n", "float()"),
    (rules.floats, "ledger/models.py", "x = models.FloatField()\n", "models.FloatField()"),
    (rules.dangerous_calls, "access/a.py", "import pickle\n", "pickle"),
    (rules.dangerous_calls, "access/a.py", "from pickle import loads\n", "loads"),
    (rules.dangerous_calls, "access/a.py", "yaml.load(x)\n", "yaml.load"),
    (rules.dangerous_calls, "access/a.py", "eval('1')\n", "eval"),
    (
        rules.dangerous_calls,
        "access/a.py",
        "from django.utils.safestring import mark_safe\n",
        "mark_safe",
    ),
    (rules.built_sql, "ledger/a.py", "def f(t):\n    q(f'SELECT 1 FROM {t}')\n", "put together"),
    (rules.built_sql, "ledger/a.py", "def f(t):\n    q('DELETE FROM %s' % t)\n", "put together"),
    (rules.built_sql, "ledger/a.py", "def f(t):\n    q('SELECT ' + t)\n", "put together"),
    (rules.built_sql, "ledger/a.py", "def f(t):\n    q('SET {}'.format(t))\n", "put together"),
    (
        rules.swallowed_exceptions,
        "ledger/a.py",
        "try:\n    f()\nexcept Exception as e:\n    log(e)\n",
        "swallowed",
    ),
    (rules.swallowed_exceptions, "ledger/a.py", "try:\n    f()\nexcept:\n    pass\n", "swallowed"),
    (rules.empty_tests, "tests/test_a.py", "def test_a():\n    f()\n", "test_a asserts nothing"),
    (surfaces.urls_without_role, "a/urls.py", "path('x/', v, name='stray')\n", "'stray'"),
    (surfaces.urls_without_role, "a/urls.py", "path('login/', v)\n", "no role line"),
    (surfaces.urls_without_role, "a/urls.py", "path('x/', v, name='x')\n", "'login' is no URL"),
    (surfaces.models_without_policy, "ledger/models.py", MODEL, "ledger_cheque"),
    (surfaces.inline_in_templates, "t/a.html", "<script>x()</script>", "an inline script"),
    (surfaces.inline_in_templates, "t/a.html", '<p style="a">', "an inline style"),
    (surfaces.inline_in_templates, "t/a.html", "<style>p{}</style>", "an inline style"),
    (surfaces.inline_in_templates, "t/a.html", '<a onclick="x()">', "an inline handler"),
    (surfaces.inline_in_templates, "t/a.html", '<a href="javascript:x">', "a javascript: link"),
    (surfaces.inline_in_templates, "t/a.html", "{{ x|safe }}", "unescaped text"),
    (surfaces.tests_not_there, "docs/a.md", "`tests/a/test_b.py::test_c`\n", "test_b.py::test_c"),
    (surfaces.tests_not_there, "README.md", "see tests/test_gone.py.\n", "tests/test_gone.py"),
    (surfaces.machine_words, "README.md", "see /" + "work/main", "a folder of one machine"),
    (surfaces.machine_words, "a.py", "# ../" + "shared/design", "a folder beside"),
    (surfaces.machine_words, "a.md", "Co-authored" + "-by: x", "a program's signature"),
]
RULES: list[Rule] = list(dict.fromkeys(rule for rule, _, _, _ in PLANTED))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize(
    ("rule", "path", "text", "said"),
    PLANTED,
    ids=[f"{rule.__name__}-{n}" for n, (rule, *_) in enumerate(PLANTED)],
)
def test_a_planted_violation_is_named(
    tmp_path: Path, rule: Rule, path: str, text: str, said: str
) -> None:
    _plant(tmp_path, "access/roles.py", ROLES)
    _plant(tmp_path, path, text)
    found = rule(tmp_path)
    assert any(said in line for line in found), found
    assert any(path in line or "access/roles.py" in line for line in found)


def _plant(root: Path, path: str, text: str) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def test_every_rule_is_planted_against() -> None:
    public = {
        function
        for module in (rules, surfaces)
        for name, function in vars(module).items()
        if getattr(function, "__module__", "") == module.__name__
        and callable(function)
        and not name.startswith("_")
    }
    assert public - {rules.built_sql_places} == set(RULES)


def test_a_policy_in_an_sql_file_is_what_a_model_needs(tmp_path: Path) -> None:
    _plant(tmp_path, "ledger/models.py", MODEL)
    _plant(tmp_path, "ledger/sql/scope.sql", "CALL sec.protect('ledger_cheque', 'true');\n")
    assert surfaces.models_without_policy(tmp_path) == []


def test_a_test_a_document_names_is_found_by_its_file_and_its_name(tmp_path: Path) -> None:
    _plant(tmp_path, "tests/a/test_b.py", "class TestC:\n    def test_d(self): ...\n")
    _plant(tmp_path, "A.md", "tests/a/test_b.py::TestC::test_d, and all of `tests/a/test_b.py`.\n")
    assert surfaces.tests_not_there(tmp_path) == []
    _plant(tmp_path, "A.md", "fine\ntests/a/test_b.py::test_d\n")
    assert surfaces.tests_not_there(tmp_path) == ["A.md:2: no test tests/a/test_b.py::test_d"]


def test_an_exception_that_is_raised_again_is_no_fault(tmp_path: Path) -> None:
    _plant(tmp_path, "a.py", "try:\n    f()\nexcept Exception:\n    note()\n    raise\n")
    assert rules.swallowed_exceptions(tmp_path) == []


def test_guardians_own_models_keep_their_reverse_name(tmp_path: Path) -> None:
    _plant(
        tmp_path,
        "access/models.py",
        "class P(UserObjectPermissionBase):\n    content_object = models.ForeignKey(Production)\n",
    )
    assert rules.foreign_keys(tmp_path) == []


def test_no_allowance_outlives_its_reason() -> None:
    assert {where for where, _ in rules.built_sql_places(ROOT)} == set(rules.SQL_ALLOWED)
    for allowed in rules.SIGNALS_ALLOWED:
        path, _, name = allowed.partition(": ")
        assert name.rpartition(".")[2] in (ROOT / path).read_text()
