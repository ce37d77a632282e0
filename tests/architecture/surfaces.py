"""Rules about what is not Python alone: URLs and roles, models and policies, pages, words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import (
    LAYERS,
    TEXT,
    Source,
    dotted,
    files,
    functions,
    imported_from,
    python,
)

# Each pattern is written so that it does not match its own source.
MACHINE_WORDS = {
    "a folder of one machine": re.compile(r"(?<![\w.}*-])/(?:work|root|home/\w+|Users/\w+)/"),
    "a folder beside the repository": re.compile(r"\.\./(?:\.\./)*shared\b"),
    "a program's signature": re.compile(r"(?i)\bco-authored(?=-by:)"),
}
INLINE = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "an inline style": re.compile(r"<style\b|\sstyle\s*=", re.IGNORECASE),
    "an inline handler": re.compile(r"\son[a-z]+\s*=|\shx-on\b", re.IGNORECASE),
    "a javascript: link": re.compile(r"javascript:", re.IGNORECASE),
    "unescaped text": re.compile(r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq\b"),
}

# What a document names to show a claim: a file of tests, and a test in it.
NAMED_TEST = re.compile(r"\btests/[\w./-]+\.py(?:::\w+)*")


def urls_without_role(root: Path) -> list[str]:
    """Every URL has a name, and its name has a line in the role table; no line is left over."""
    table = set(_role_table(root))
    found, names = [], set()
    for source in python(root):
        if not source.path.endswith("urls.py"):
            continue
        for call in (n for n in ast.walk(source.tree) if isinstance(n, ast.Call)):
            if dotted(call.func) not in {"path", "re_path"} or _includes(call):
                continue
            name = next((k.value for k in call.keywords if k.arg == "name"), None)
            said = name.value if isinstance(name, ast.Constant) else ""
            names.add(said)
            if said not in table:
                found.append(f"{source.path}:{call.lineno}: URL {said!r} has no role line")
    return found + [f"access/roles.py: {name!r} is no URL" for name in sorted(table - names)]


def _includes(call: ast.Call) -> bool:
    return any(isinstance(a, ast.Call) and dotted(a.func) == "include" for a in call.args)


def _role_table(root: Path) -> Iterator[str]:
    path = root / "access" / "roles.py"
    if not path.exists():
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and dotted(node.target) == "URL_ACTIONS":
            assert isinstance(node.value, ast.Dict)
            yield from (k.value for k in node.value.keys if isinstance(k, ast.Constant))


def models_without_policy(root: Path) -> list[str]:
    """A table that names its production stands behind forced row-level security."""
    sql = "\n".join(p.read_text(encoding="utf-8") for inside, p in files(root) if "/sql/" in inside)
    protected = set(re.findall(r"CALL sec\.protect\('(\w+)'", sql))
    protected |= set(re.findall(r"ALTER TABLE (\w+) FORCE ROW LEVEL SECURITY", sql))
    found = []
    for source in python(root):
        if source.app not in LAYERS:
            continue
        origin = imported_from(source.tree)
        for model in (n for n in source.tree.body if isinstance(n, ast.ClassDef)):
            table = f"{source.app}_{model.name.lower()}"
            if table not in protected and _names_its_production(model, source.app, origin):
                found.append(f"{source.path}:{model.lineno}: {table} has no row-security policy")
    return found


def _names_its_production(model: ast.ClassDef, app: str, origin: dict[str, str]) -> bool:
    for call in (n for n in ast.walk(model) if isinstance(n, ast.Call)):
        if dotted(call.func).rpartition(".")[2] not in {"ForeignKey", "OneToOneField"}:
            continue
        target = call.args[0] if call.args else None
        if isinstance(target, ast.Constant):
            return str(target.value).endswith("Production")
        if target is not None and dotted(target) == "Production":
            return app == "access" or origin.get("Production") == "access.models"
    return False


def inline_in_templates(root: Path) -> list[str]:
    """The content policy allows nothing inline, and templates escape everything."""
    found = []
    for inside, path in files(root):
        if path.suffix == ".html":
            found += _matches(inside, path.read_text(encoding="utf-8"), INLINE)
    return found


def machine_words(root: Path) -> list[str]:
    """Nothing in the repository speaks of the machine or the tools it was written with."""
    found = []
    for inside, path in files(root):
        if path.suffix in TEXT:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += _matches(inside, text, MACHINE_WORDS)
    return found


def tests_not_there(root: Path) -> list[str]:
    """Every test a document names stands where it says."""
    there = {
        node
        for source in python(root, tests=True)
        if source.is_test
        for node in (source.path, *_tests_of(source))
    }
    found = []
    for inside, path in files(root):
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            found += [
                f"{inside}:{text.count(chr(10), 0, named.start()) + 1}: no test {named.group()}"
                for named in NAMED_TEST.finditer(text)
                if named.group() not in there
            ]
    return found


def _tests_of(source: Source) -> Iterator[str]:
    for name, _ in functions(source.tree):
        if name.rpartition(".")[2].startswith("test_"):
            yield f"{source.path}::{name.replace('.', '::')}"


def _matches(path: str, text: str, patterns: dict[str, re.Pattern[str]]) -> list[str]:
    # Whole texts first: a line is looked for only where there is something to find.
    return [
        f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {what}: {found.group().strip()!r}"
        for what, pattern in patterns.items()
        for found in pattern.finditer(text)
    ]
