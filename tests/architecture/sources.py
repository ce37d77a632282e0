"""The sources of a tree, as the rules look at them. Works on any folder, so that a rule can be
shown a planted violation in a folder of its own."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Each may import what stands before it, never what stands after it.
LAYERS = (
    "access", "taxonomy", "agreements", "ledger", "readlog", "budgets", "overrides", "ingestion",
    "reports",
)  # fmt: skip
NOT_OURS = {
    ".git", ".hypothesis", ".import_linter_cache", ".local", ".mypy_cache", ".pytest_cache",
    ".ruff_cache", ".venv", "__pycache__", "node_modules", "staticfiles", "vendor", "work",
}  # fmt: skip
TEXT = {
    "", ".py", ".sql", ".html", ".css", ".js", ".md", ".toml", ".json", ".in", ".csv", ".yml",
    ".yaml", ".txt", ".cfg", ".sh",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One Python file: where it stands in its tree, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def app(self) -> str:
        """The folder at the top of the tree."""
        return self.path.partition("/")[0]

    @property
    def is_migration(self) -> bool:
        return "/migrations/" in self.path

    @property
    def is_test(self) -> bool:
        return self.path.startswith("tests/")


def files(root: Path) -> Iterator[tuple[str, Path]]:
    """(path inside the tree, path) of every file that is ours, in order."""
    for folder, names, found in os.walk(root):
        names[:] = sorted(set(names) - NOT_OURS)
        for name in sorted(found):
            path = Path(folder, name)
            yield path.relative_to(root).as_posix(), path


def python(root: Path, *, tests: bool = False) -> list[Source]:
    """The product's Python files; with `tests` the tests' as well."""
    return [
        source
        for source in _parsed(root)
        if not source.is_migration and (tests or not source.is_test)
    ]


@cache
def _parsed(root: Path) -> list[Source]:
    """Read once for all rules; a planted file stands in a tree of its own."""
    found = []
    for inside, path in files(root):
        if path.suffix == ".py":
            text = path.read_text(encoding="utf-8")
            found.append(Source(inside, text, ast.parse(text)))
    return found


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a name or an attribute, '' for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def functions(tree: ast.AST) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """(Class.name, node) of every function, methods and inner functions included."""
    stack: list[tuple[str, ast.AST]] = [("", tree)]
    while stack:
        prefix, node = stack.pop()
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}.{child.name}".lstrip(".")
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, child
            stack.append((name, child))


def imported_from(tree: ast.Module) -> dict[str, str]:
    """name -> the module it was imported from."""
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
