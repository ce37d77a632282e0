"""Check an audit bundle, or the proof of one posting, without prodacct and without a network.

    python3 -I verify_bundle.py FOLDER [--key KEY] [--founding HASH]   the unpacked bundle
    python3 -I verify_bundle.py --proof FILE [--key KEY]               one posting

Standard library only, Python 3.11 or newer. Bytes are hashed before they are parsed, and what is
parsed is taken in one form only. Exit 0 when everything agrees; 1 with a line for each problem
that names the entry (unit#number), the row or the file; 2 when it was called wrongly.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ledger.audit_rules import (
    BUNDLE,
    PROOF,
    SCALE,
    Log,
    Problem,
    amount,
    batch_root,
    checked_note,
    digest_of,
    exact_base64,
    fingerprint,
    json_object,
    leaf_hash,
    posting_of,
    root_of_path,
    root_of_tiles,
    strict_json,
    transaction_of,
    units_of,
    whole,
)
from ledger.override_tree import OverrideTree, branch_problems

MOST_PROBLEMS = 50
# What reading something that is not what it should be can raise.
_UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip


@dataclass
class Checked:
    """What was found wrong, and how much was recomputed."""

    problems: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, more: int = 1) -> None:
        """Add to a count."""
        self.counts[what] = self.counts.get(what, 0) + more

    def attempt(self, where: str, step: Callable[..., Any], *given: Any) -> Any:
        """Do a step; what stops it is a problem with a name. None when it was stopped."""
        try:
            return step(*given)
        except Problem as problem:
            self.problems.append(str(problem))
        except _UNREADABLE as fault:
            self.problems.append(f"{where}: cannot be read: {fault!r}"[:300])
        return None


class Books:
    """Sums of every posting read, by account."""

    def __init__(self, accounts: dict[str, Any]) -> None:
        self.accounts = accounts
        self.sums: dict[tuple[str, ...], list[int | None]] = {}
        # What the batches that overrides name move, by account: batch -> code -> ten-thousandths.
        self.followed: dict[str, dict[str, int]] = {}

    def add(self, row: dict[str, str | None], moved: int, base: int | None) -> None:
        """Both legs of one posting."""
        for account, sign in ((str(row["account_id"]), 1), (str(row["counter_account_id"]), -1)):
            key = tuple(map(str, (row["book"], account, row["currency"], row["period_id"])))
            held = self.sums.setdefault(key, [0, None, 0])
            held[0] = (held[0] or 0) + sign * moved
            held[1] = held[1] if base is None else (held[1] or 0) + sign * base
            held[2] = (held[2] or 0) + 1
            moves = self.followed.get(str(row["batch_id"]))
            if moves is not None and self.accounts[account]["clearing_role"] != "book_control":
                code = self.accounts[account]["code"]
                moves[code] = moves.get(code, 0) + sign * moved

    def trial_balance(self) -> list[list[str]]:
        """Book, account, currency, debit, credit; every account that was posted to."""
        net: dict[tuple[str, str, str], int] = {}
        for (book, account, currency, _), (moved, _, _) in self.sums.items():
            key = (book, self.accounts[account]["code"], currency)
            net[key] = net.get(key, 0) + (moved or 0)
        return [[*key, amount(max(n, 0)), amount(max(-n, 0))] for key, n in sorted(net.items())]

    def cost_report(self, periods: dict[str, Any]) -> list[list[str | None]]:
        """Account, period, currency, amount, amount in the production's currency, lines."""
        rows: list[list[str | None]] = []
        for (book, account, currency, period), (moved, base, lines) in self.sums.items():
            if book == "1" and self.accounts[account]["statement"] == "cost":
                code, number = self.accounts[account]["code"], periods[period]["number"]
                said = None if base is None else amount(base)
                rows.append([code, number, currency, amount(moved or 0), said, str(lines)])
        return sorted(rows, key=lambda row: [str(cell) for cell in row])


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(file: BinaryIO, where: str) -> Iterator[bytes]:
    for raw in file:
        if not raw.endswith(b"\n"):
            raise Problem(where, "its last line has no end")
        yield raw[:-1]


class Bundle:
    """An unpacked bundle and what is found in it."""

    def __init__(self, folder: Path, key: bytes | None, founding: str = "") -> None:
        self.folder, self.key, self.checked = folder, key, Checked()
        self.founding, self.trees = founding, list[OverrideTree]()
        self.sealed: dict[str, str] = {}  # batch -> the leaf of the entry that seals it
        self.files: dict[str, str] = {}
        self.tables: dict[str, Any] = {}
        self.documents: set[str] = set()
        self.said: dict[str, dict[str, Any]] = {"accounts": {}, "periods": {}}
        self.read = 0

    def verify(self) -> Checked:
        """Hash every file, then the logs, then what their entries seal, then the tables."""
        attempt = self.checked.attempt
        attempt("manifest.json", self._manifest)
        self.key = attempt("key.txt", self._key)
        for name in ("production", "units", "accounts", "periods", "trial_balance", "cost_report"):
            self.tables[name] = attempt(f"tables/{name}.json", self._table, name)
        if self.key is None or None in self.tables.values():
            return self.checked
        books = Books(self.tables["accounts"])
        for unit in self.tables["units"].values():
            attempt(f"unit {unit}", self._follow, str(unit), books)
        for unit_id, unit in self.tables["units"].items():
            attempt(f"unit {unit}", self._unit, str(unit_id), str(unit), books)
        attempt("overrides", self._overrides, books)
        if self.read == len(self.tables["units"]):  # else what is wrong has been said
            for name in self.said:
                attempt(f"tables/{name}.json", self._masters, name)
        attempt("tables", self._compare, books)
        attempt("sources", self._sources)
        return self.checked

    def _manifest(self) -> None:
        raw = (self.folder / "manifest.json").read_bytes()
        said = strict_json("manifest.json", raw)
        if said.keys() != {"files", "format"} or said["format"] != BUNDLE:
            raise Problem("manifest.json", f"is not the manifest of a {BUNDLE}")
        self.files = dict(said["files"])
        there = {p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*")
                 if not p.is_dir()} - {"manifest.json"}  # fmt: skip
        for name in sorted(there ^ set(self.files)):
            self.checked.problems.append(
                f"{name}: {'is not in the manifest' if name in there else 'is missing'}"
            )
        for name in sorted(there & set(self.files)):
            self.checked.count("files")
            if _sha256_of(self.folder / name) != self.files[name]:
                self.checked.problems.append(f"{name}: its bytes are not those of the manifest")

    def _key(self) -> bytes:
        said = exact_base64((self.folder / "key.txt").read_bytes().removesuffix(b"\n"))
        if said is None or len(said) != 32:
            raise Problem("key.txt", "is not a public key")
        if self.key not in (None, said):
            raise Problem("key.txt", "is not the key that was given with --key")
        return said

    def _table(self, name: str) -> Any:
        raw = (self.folder / "tables" / f"{name}.json").read_bytes()
        return strict_json(f"tables/{name}.json", raw)["rows"]

    def _notes(self, unit: str) -> dict[int, bytes]:
        """size -> root of the unit's checkpoints, each with its signature checked."""
        assert self.key is not None
        found = {}
        for name in sorted(n for n in self.files if n.startswith(f"checkpoints/{unit}/")):
            note = checked_note(name, (self.folder / name).read_bytes(), self.key)
            if not note.origin.endswith(f"/{self.tables['production']['code']}/{unit}"):
                raise Problem(name, "is of another log")
            if name != f"checkpoints/{unit}/{note.size}.note":
                raise Problem(name, "does not carry the name of its size")
            found[note.size] = note.root
            self.checked.count("checkpoints")
        return found

    def _unit(self, unit_id: str, unit: str, books: Books) -> None:
        """A unit's log against its checkpoints; then, if it holds, what its entries seal."""
        before = len(self.checked.problems)
        notes, log, place = self._notes(unit), Log(), self.folder / "units" / unit
        with (
            (place / "journal.jsonl").open("rb") as lines,
            (place / "leaves.bin").open("rb") as kept,
        ):
            for line in _lines(lines, f"units/{unit}/journal.jsonl"):
                leaf = leaf_hash(line)
                if leaf != kept.read(32):
                    self._say(f"{unit}#{log.size}", "its line does not hash to its leaf")
                log.append(leaf)
                if notes.get(log.size, log.root()) != log.root():
                    self._say(
                        f"{unit}#{log.size - 1}",
                        f"up to here the log has another root than its checkpoint of {log.size}",
                    )
            if kept.read(1):
                self._say(f"{unit}#{log.size}", "has a leaf and no line")
        self.checked.count("entries", log.size)
        for size in sorted(size for size in notes if size > log.size):
            self._say(f"{unit}#{log.size}", f"is missing: a checkpoint says {size} entries")
        if log.size not in notes:
            self._say(f"{unit}#{log.size - 1}", "no checkpoint stands over the end of the log")
        if len(self.checked.problems) == before:
            self._entries(unit_id, unit, books)

    def _say(self, where: str, what: str) -> None:
        self.checked.problems.append(f"{where}: {what}")

    def _follow(self, unit: str, books: Books) -> None:
        """Note which batches overrides name, before any is read."""
        with (self.folder / "units" / unit / "journal.jsonl").open("rb") as lines:
            for line in lines:
                if b'"override.execute"' in line or b'"override.revert"' in line:
                    data = json_object(line)["data"]
                    books.followed[str(data.get("batch"))] = {}

    def _overrides(self, books: Books) -> None:
        """What overrides posted is what was signed, and what reverted them its opposite."""
        every = {name: each for tree in self.trees for name, each in tree.asked.items()}
        branches = {name: each for tree in self.trees for name, each in tree.branches.items()}
        self.checked.problems += branch_problems(every, branches)
        for tree in self.trees:
            for batch, (leaf, where) in tree.batches.items():
                if self.sealed.get(batch) != leaf:
                    self._say(where, f"names a batch {batch} that its entry does not seal")
            for name, asked in tree.asked.items():
                meant = {code: int(m * SCALE) for code, m in asked.lines.items()}
                for batch, way in ((asked.executed_batch, 1), (asked.reverted_batch, -1)):
                    moved = {c: m * way for c, m in books.followed.get(batch, {}).items() if m}
                    if batch and moved != meant:
                        self._say(name, f"batch {batch} does not post what was signed")
            self.checked.problems += tree.finish()
            if tree.founders:
                self.checked.told.append(f"{'founding':20} {tree.founding.hexdigest()}")
            if tree.signatures:
                self.checked.count("override signatures", tree.signatures)
            if tree.fallbacks:
                self.checked.count("of them fallback", len(tree.fallbacks))
                self.checked.told += [f"{'fallback signature':20} {one}" for one in tree.fallbacks]
        foundings = {tree.founding.hexdigest() for tree in self.trees if tree.founders}
        if self.founding and foundings != {self.founding}:
            self._say("founding", "the first keys are not those of the founding you hold")

    def _entries(self, unit_id: str, unit: str, books: Books) -> None:
        place, tree = self.folder / "units" / unit, OverrideTree()
        self.trees.append(tree)
        with (
            (place / "journal.jsonl").open("rb") as lines,
            (place / "rows.txt").open("rb") as rows,
            (place / "row_leaves.bin").open("rb") as leaves,
        ):
            for seq, line in enumerate(_lines(lines, f"units/{unit}/journal.jsonl")):
                entry = json_object(line)
                if entry.get("seq") != str(seq):
                    raise Problem(f"{unit}#{seq}", "does not say its own number")
                leaf = leaf_hash(line)
                self.checked.attempt(f"{unit}#{seq}", tree.entry, f"{unit}#{seq}", entry, leaf)
                if entry.get("type") == "post":
                    batch = Batch(f"{unit}#{seq}", entry["data"], self.checked)
                    batch.check_header(unit_id, str(self.tables["production"]["id"]))
                    self.sealed[batch.data["batch"]] = leaf.hex()
                    self.checked.attempt(batch.name, batch.check_rows, rows, leaves, books)
                    if batch.data["document"]:
                        self.documents.add(batch.data["document"])
                elif entry["type"] == "chart":
                    self.checked.attempt(f"{unit}#{seq}", self._chart, f"{unit}#{seq}", entry)
            if rows.read(1) or leaves.read(1):
                self._say(f"units/{unit}/rows.txt", "holds rows that no entry seals")
        self.read += 1

    def _chart(self, where: str, entry: dict[str, Any]) -> None:
        """What an entry says of accounts and periods: none is ever said to be another."""
        for name, said in self.said.items():
            for number, row in entry["data"][name].items():
                before = said.setdefault(number, row)
                if before != row:
                    said[number] = row
                    self._say(where, f"changes {name[:-1]} {number} from {before} to {row}"[:300])

    def _masters(self, name: str) -> None:
        """Accounts and periods stand as the logs say them: nothing else seals them."""
        table = self.tables[name]
        for number in sorted(table.keys() | self.said[name].keys()):
            if table.get(number) != self.said[name].get(number):
                self._say(f"tables/{name}.json", f"{name[:-1]} {number} is not as the log says it")

    def _compare(self, books: Books) -> None:
        """The tables recomputed from the postings."""
        for name, computed in (
            ("trial_balance", books.trial_balance()),
            ("cost_report", books.cost_report(self.tables["periods"])),
        ):
            if self.tables[name] != computed:
                said = [row for row in self.tables[name] if row not in computed]
                first = (said or [row for row in computed if row not in self.tables[name]])[:1]
                self._say(f"tables/{name}.json", f"is not what the postings sum to: {first}"[:300])

    def _sources(self) -> None:
        """Every source is named by its bytes; with sources, every file posted from is there."""
        there = {n.removeprefix("sources/") for n in self.files if n.startswith("sources/")}
        for name in sorted(there):
            self.checked.count("sources")
            if _sha256_of(self.folder / "sources" / name) != name:
                self._say(f"sources/{name}", "its bytes do not hash to its name")
        if self.tables["production"]["with_sources"] and there != self.documents:
            odd = sorted(there ^ self.documents)[0]
            self._say(f"sources/{odd}", "is missing, or nothing was posted from it")


class Batch:
    """One post entry and the rows it seals."""

    def __init__(self, name: str, data: dict[str, Any], checked: Checked) -> None:
        self.name, self.data, self.checked = name, data, checked
        self.transactions, self.lines = whole(data["transactions"]), whole(data["lines"])
        self.control = 0
        self.clearing: dict[tuple[Any, ...], int] = {}

    def check_header(self, unit_id: str, production_id: str) -> None:
        """The entry is of this unit's log and of this production."""
        if (self.data["unit"], self.data["production"]) != (unit_id, production_id):
            raise Problem(self.name, "seals a batch of another unit or production")

    def check_rows(self, rows: BinaryIO, leaves: BinaryIO, books: Books) -> None:
        """Every row against its leaf, the leaves against the root, the sums against the entry."""
        count = self.transactions + self.lines
        sealed = leaves.read(32 * count)
        if len(sealed) != 32 * count or batch_root(sealed) != digest_of(self.data["root"]):
            self.checked.problems.append(f"{self.name}: its leaves are not those it sealed")
        whole_batch = True
        for index in range(count):
            is_posting = index >= self.transactions
            number = index + 1 - (self.transactions if is_posting else 0)
            where = f"{'posting' if is_posting else 'transaction'} {self.data['batch']}/{number}"
            line = rows.readline()
            if line[-1:] != b"\n" or leaf_hash(line[:-1]) != sealed[32 * index : 32 * index + 32]:
                self.checked.problems.append(f"{self.name}: {where} is not as it was sealed")
                whole_batch = False
            elif is_posting:
                self.checked.attempt(f"{self.name}: {where}", self._posting, line, number, books)
            else:
                self.checked.attempt(f"{self.name}: {where}", self._transaction, line, number)
        if whole_batch and self.control != units_of(self.data["control_total"]):
            raise Problem(self.name, f"its control total is {amount(self.control)} by its postings")
        if whole_batch and any(self.clearing.values()):
            raise Problem(self.name, "a document does not balance: its clearing is not zero")

    def _transaction(self, line: bytes, number: int) -> None:
        row = transaction_of(line[:-1].decode())
        self.check_same(row, {"number": number})
        self.checked.count("transactions")

    def _posting(self, line: bytes, number: int, books: Books) -> None:
        row = posting_of(line[:-1].decode())
        self.check_same(row, {"line_no": number, "unit_id": self.data["unit"]})
        if not 0 < whole(row["transaction_number"]) <= self.transactions:
            raise ValueError("it belongs to no document of its batch")
        moved = units_of(row["amount"])
        base = None if row["base_amount"] is None else units_of(row["base_amount"])
        self.control += abs(moved)
        for account, sign in ((row["account_id"], 1), (row["counter_account_id"], -1)):
            if books.accounts[str(account)]["clearing_role"] == "journal_clearing":
                key = (row["transaction_number"], row["book"], row["currency"])
                self.clearing[key] = self.clearing.get(key, 0) + sign * moved
        books.add(row, moved, base)
        self.checked.count("postings")

    def check_same(self, row: dict[str, str | None], more: dict[str, Any]) -> None:
        """The row says of itself what its entry says. Raises ValueError."""
        said = {"production_id": self.data["production"], "batch_id": self.data["batch"], **more}
        for name, value in said.items():
            if row[name] != str(value):
                raise ValueError(f"its {name} is {row[name]}, its entry says {value}")


# --- the proof of one posting -------------------------------------------------------------------


def verify_proof(path: Path, key: bytes | None) -> Checked:
    """The posting's row, up through its batch and its unit's log, to a signed checkpoint."""
    checked = Checked()
    checked.attempt(path.name, _proof, path, key, checked)
    return checked


def _proof(path: Path, key: bytes | None, checked: Checked) -> None:
    said = strict_json(path.name, path.read_bytes())
    if said.keys() != {"checkpoint", "entry", "format", "inclusion", "key", "posting", "tiles"}:
        raise Problem(path.name, "does not hold what a proof holds")
    public = exact_base64(said["key"].encode())
    if said["format"] != PROOF or public is None or key not in (None, public):
        raise Problem(path.name, f"is not a {PROOF} under the key that was given")
    note = checked_note("checkpoint", said["checkpoint"].encode(), public)
    entry_line = said["entry"].encode()
    entry = json_object(entry_line)
    batch = Batch(f"entry {entry['seq']}", entry["data"], checked)
    root = root_of_path(
        leaf_hash(entry_line), whole(entry["seq"]), note.size,
        [digest_of(step) for step in said["inclusion"]],
    )  # fmt: skip
    if entry["type"] != "post" or root != note.root:
        raise Problem(batch.name, "is not in the log the checkpoint stands over")
    line = said["posting"].encode()
    row = posting_of(said["posting"])
    number = whole(row["line_no"])
    tiles = [[digest_of(step) for step in tile] for tile in said["tiles"]]
    count = batch.transactions + batch.lines
    index = batch.transactions + number - 1
    root = (
        root_of_tiles(leaf_hash(line), index, count, tiles) if 0 < number <= batch.lines else None
    )
    if root is None or root != digest_of(batch.data["root"]):
        raise Problem(f"posting {row['batch_id']}/{number}", "is not in the batch the entry seals")
    batch.check_same(row, {"unit_id": batch.data["unit"]})
    checked.told = [f"{name:20} {'' if value is None else value}" for name, value in row.items()]
    checked.told.append(f"{'entry':20} {note.origin.rpartition('/')[2]}#{entry['seq']}")
    checked.told.append(f"{'checkpoint':20} {note.size} entries, root {note.root.hex()[:16]}")
    checked.count("postings")


# --- the command --------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Check what is named, and say what was found."""
    parser = argparse.ArgumentParser(description="Check an audit bundle or a proof.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("folder", nargs="?", type=Path, help="the unpacked bundle")
    what.add_argument("--proof", type=Path, help="the proof of one posting")
    parser.add_argument("--key", help="the log's public key as you have it on paper")
    parser.add_argument(
        "--founding", default="", help="the founding's hash as you have it on paper"
    )
    asked = parser.parse_args(arguments)
    key = None if asked.key is None else exact_base64(asked.key.encode())
    if asked.key is not None and (key is None or len(key) != 32):
        parser.error("--key: expected the base64 text of a public key, 44 characters")
    if asked.proof is not None:
        checked = verify_proof(asked.proof, key)
    else:
        bundle = Bundle(asked.folder, key, asked.founding)
        checked = bundle.verify()
        key, own = bundle.key, key
        if own is None and key is not None:
            print("WARNING  the key comes from the bundle itself. Compare it with your paper:")
            print(f"WARNING  {fingerprint(key)}")
    for line in checked.told:
        print(f"  {line}")
    for problem in checked.problems[:MOST_PROBLEMS]:
        print(f"PROBLEM  {problem}")
    if len(checked.problems) > MOST_PROBLEMS:
        print(f"PROBLEM  and {len(checked.problems) - MOST_PROBLEMS} more")
    counted = ", ".join(f"{count:,} {name}" for name, count in checked.counts.items())
    verdict = f"{len(checked.problems)} problems" if checked.problems else "everything agrees"
    print(f"{verdict}: {counted or 'nothing was counted'}")
    return 1 if checked.problems else 0


if __name__ == "__main__":
    sys.exit(main())
