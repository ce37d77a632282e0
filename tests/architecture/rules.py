"""Rules about the shape of Python files. Each takes a folder and names what breaks it.

A rule returns sentences `path:line: what is wrong`; none means the tree keeps it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import LAYERS, Source, dotted, functions, imported_from, python

MOST_FILE_LINES = 500
MOST_FUNCTION_LINES = 50
MOST_ARGUMENTS = 7
MOST_COLUMNS = 100
PRAGMA = re.compile(r"  # (?:type: ignore|noqa).*")  # for machines; the formatter does not count it

# What may break a rule, and why. An entry that no longer breaks it fails the test.
SIGNALS_ALLOWED = {
    "ingestion/tasks.py: celery.signals.worker_ready": "a started worker looks for work at once",
    "taxonomy/tasks.py: celery.signals.worker_init": "a starting worker checks its files",
}
SQL_ALLOWED = {
    "ledger/services.py: _copy": "COPY takes no parameters; callers pass constants",
    "ingestion/services.py: take_turn": "one of two names of the line above",
    "ingestion/work.py: _asked_by": "table and column come from a constant two lines above",
    "ledger/verify_batches.py: _ownerless_rows": "tables are constants of the loop",
}
DANGEROUS_IMPORTS = {"pickle", "marshal", "shelve", "dill"}
DANGEROUS_CALLS = {
    "eval", "exec", "compile", "yaml.load", "mark_safe", "safestring.mark_safe", "SafeString",
    "RawSQL", "os.system",
}  # fmt: skip
LOOKUPS = {"get_model", "import_string", "import_module", "__import__"}
SQL_START = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|COPY|WITH|ALTER|CREATE|DROP|GRANT|SET)\b")


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 1))


def sizes(root: Path) -> list[str]:
    """File <= 500 lines, function <= 50, line <= 100; arguments <= 7 outside tests' factories."""
    found = []
    for source in python(root, tests=True):
        lines = source.text.splitlines()
        if len(lines) > MOST_FILE_LINES:
            found.append(f"{source.path}:1: {len(lines)} lines, most {MOST_FILE_LINES}")
        found += [
            f"{source.path}:{number}: {len(line)} columns, most {MOST_COLUMNS}"
            for number, line in enumerate(lines, 1)
            if len(PRAGMA.sub("", line)) > MOST_COLUMNS
        ]
        for name, node in functions(source.tree):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MOST_FUNCTION_LINES:
                found.append(f"{source.path}:{node.lineno}: {name} has {length} lines")
            if not source.is_test and _arguments(node) > MOST_ARGUMENTS:
                found.append(f"{source.path}:{node.lineno}: {name} has too many arguments")
    return found


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    a = node.args
    names = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    return len([n for n in names if n not in {"self", "cls"}])


def _is_surface(source: Source) -> bool:
    parts = source.path.removesuffix(".py").split("/")
    return bool({"views", "api", "tasks", "commands"} & set(parts[1:]))


def managers_in_surfaces(root: Path) -> list[str]:
    """Views, API, tasks and commands never reach past services and selectors to the tables."""
    reach = {"objects", "_default_manager", "_base_manager", "cursor"}
    return [
        f"{source.path}:{node.lineno}: {dotted(node)} belongs in a service or a selector"
        for source in python(root)
        if _is_surface(source) and source.path not in _PREPARES_THE_DATABASE
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in reach
    ]


# It migrates: there are no services before it has run.
_PREPARES_THE_DATABASE = {"access/management/commands/prepare_database.py"}


def foreign_keys(root: Path) -> list[str]:
    """Foreign keys point down the layers and leave no reverse name on the lower app."""
    found = []
    for source in python(root):
        if source.app not in LAYERS:
            continue
        origin = imported_from(source.tree)
        for model in (n for n in ast.walk(source.tree) if isinstance(n, ast.ClassDef)):
            # guardian finds its own permission models by the name they leave behind.
            is_guardian = any("ObjectPermissionBase" in dotted(base) for base in model.bases)
            for call in (n for n in ast.walk(model) if isinstance(n, ast.Call)):
                kind = dotted(call.func).rpartition(".")[2]
                if kind not in {"ForeignKey", "OneToOneField", "ManyToManyField"}:
                    continue
                where = f"{source.path}:{call.lineno}: {model.name}"
                if problem := _points_up(call, source.app, origin):
                    found.append(f"{where} {problem}")
                if not is_guardian and not _has_no_reverse_name(call):
                    found.append(f'{where} has a foreign key without related_name="+"')
    return found


def _has_no_reverse_name(call: ast.Call) -> bool:
    return any(
        k.arg == "related_name" and isinstance(k.value, ast.Constant) and k.value.value == "+"
        for k in call.keywords
    )


def _points_up(call: ast.Call, app: str, origin: dict[str, str]) -> str:
    targets = call.args[:1] + [k.value for k in call.keywords if k.arg == "to"]
    if not targets:
        return "has a foreign key to nothing that can be read here"
    target = targets[0]
    if isinstance(target, ast.Constant):
        other = str(target.value).partition(".")[0] if "." in str(target.value) else app
    else:
        other = origin.get(dotted(target), app).partition(".")[0]
    if other not in LAYERS or LAYERS.index(other) > LAYERS.index(app):
        return f"points up to {other}"
    return ""


def signals_and_lookups(root: Path) -> list[str]:
    """No signals as workflow, and no module or model found by its name at run time."""
    found = []
    for source in python(root):
        for node in ast.walk(source.tree):
            for name in _signal_names(node):
                if f"{source.path}: {name}" not in SIGNALS_ALLOWED:
                    found.append(f"{source.path}:{_line(node)}: {name} is a signal")
            if isinstance(node, ast.Call):
                name = dotted(node.func).rpartition(".")[2]
                if name in LOOKUPS:
                    found.append(f"{source.path}:{node.lineno}: {name}() hides an import")
    return found


def _signal_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        for alias in node.names:
            if module.endswith("signals") or module == "django.dispatch":
                yield f"{module}.{alias.name}"
            elif alias.name == "signals":
                yield f"{module}.signals"


def floats(root: Path) -> list[str]:
    """Money is Decimal: nothing is turned into a float in an app that handles money."""
    found = []
    for source in python(root):
        if source.app not in LAYERS[1:]:
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and dotted(node.func).endswith(("float", "FloatField")):
                found.append(f"{source.path}:{node.lineno}: {dotted(node.func)}()")
    return found


def dangerous_calls(root: Path) -> list[str]:
    """Nothing runs text as code, unpacks objects from bytes or marks text as safe HTML."""
    found = []
    for source in python(root):
        for node in ast.walk(source.tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names if a.name in DANGEROUS_IMPORTS]
            elif isinstance(node, ast.ImportFrom):
                bad = (node.module or "") in DANGEROUS_IMPORTS
                names = [a.name for a in node.names if bad or a.name in {"mark_safe", "SafeString"}]
            elif isinstance(node, ast.Call) and dotted(node.func) in DANGEROUS_CALLS:
                names = [dotted(node.func)]
            found += [f"{source.path}:{_line(node)}: {name}" for name in names]
    return found


def built_sql(root: Path) -> list[str]:
    """SQL is a constant with parameters: no text is put into it, outside the allowed few."""
    found = []
    for where, line in built_sql_places(root):
        if where not in SQL_ALLOWED:
            path = where.partition(":")[0]
            found.append(f"{path}:{line}: SQL is put together in {where}")
    return found


def built_sql_places(root: Path) -> Iterator[tuple[str, int]]:
    """(path: function, line) wherever text is put into SQL."""
    for source in python(root):
        if source.app not in (*LAYERS, "prodacct", "demo"):
            continue
        for name, node in functions(source.tree):
            for inner in ast.walk(node):
                if _is_built_sql(inner):
                    yield f"{source.path}: {name}", _line(inner)


def _is_built_sql(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        first = node.values[0] if node.values else None
        has_value = any(isinstance(v, ast.FormattedValue) for v in node.values)
        return has_value and _starts_sql(first)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _starts_sql(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _starts_sql(node.left) and not isinstance(node.right, ast.Constant)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "format" and _starts_sql(node.func.value)
    return False


def _starts_sql(node: ast.AST | None) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and SQL_START.match(node.value) is not None
    )


def swallowed_exceptions(root: Path) -> list[str]:
    """`except Exception` may note what happened, and then raises it again."""
    found = []
    for source in python(root):
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            broad = any(k is None or dotted(k) in {"Exception", "BaseException"} for k in kinds)
            if broad and not any(isinstance(n, ast.Raise) for n in ast.walk(node)):
                found.append(f"{source.path}:{node.lineno}: an exception of any kind is swallowed")
    return found


def empty_tests(root: Path) -> list[str]:
    """A test asserts something, itself or through a helper of the tests that does."""
    sources = [s for s in python(root, tests=True) if s.is_test]
    every = [(s, name, node) for s in sources for name, node in functions(s.tree)]
    asserting = {name.rpartition(".")[2] for _, name, node in every if _asserts(node, set())}
    return [
        f"{source.path}:{node.lineno}: {name} asserts nothing"
        for source, name, node in every
        if node.name.startswith("test_") and not _asserts(node, asserting)
    ]


def _asserts(node: ast.AST, helpers: set[str]) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assert):
            return True
        if isinstance(inner, ast.Call):
            name = dotted(inner.func)
            last = name.rpartition(".")[2]
            if name in {"pytest.raises", "pytest.fail", "pytest.warns"} or last in helpers:
                return True
            # A browser's expectation and its wait both fail when what they name does not come.
            if name == "expect" or last.startswith(("assert", "wait_for_")):
                return True
    return False
