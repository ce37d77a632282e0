"""python -m bench [--rows N] [--rounds R] [--only NAME]: ratios measured in one run."""

import argparse
import json
import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.files import Truth, write_file, write_held_file
from bench.house import House, open_house

LATEST = Path(__file__).parent / "latest.json"
SMALL_ROWS = 100_000
MEGABYTE = 1_000_000
PARTS = {
    # figure -> what has to be run for it
    "ingest_100k": {"small", "floor"},
    "ingest_1m": {"big", "floor"},
    "copy_floor_1m": {"floor"},
    "peak_rss_100k": {"small"},
    "peak_rss_1m": {"small", "big"},
    "rss_growth": {"small", "big"},
    "seal_20k": {"floor"},
    "seal_first": {"floor"},
    "seal_last": {"floor"},
    "verify": {"big"},
    "bundle_verify": {"small"},
    "page_500_rows": {"big"},
    "post_document": {"big"},
    "plain_count": {"big"},
    "scoped_count": {"big"},
    "context_seal": {"big"},
    "head_report": {"big"},
    "desk_page": {"desk"},
    "desk_settle": {"desk", "small"},
    "bulk_create": {"small", "peer"},
    "digest_batch": {"lookup"},
    "digest_batch_1k": {"lookup"},
    "digest_single": {"lookup"},
    "digest_dict": {"lookup"},
    "digest_sql": {"lookup"},
    "snapshot_open": {"lookup"},
    "tree_from_sql": {"lookup"},
    "snapshot_private": {"lookup"},
    "dict_private": {"lookup"},
}
# Names that stand for several figures.
GROUPS = {
    "digest_lookup": [name for name, needs in PARTS.items() if needs == {"lookup"}],
    "scopes": ["plain_count", "scoped_count", "context_seal", "head_report"],
    "seals": ["seal_20k", "seal_first", "seal_last"],
}
TREE_NODES = 100_000

# The rates, and the part whose rounds they are taken of.
PART_OF = {
    "ingest_100k": "small",
    "ingest_1m": "big",
    "copy_floor_1m": "floor",
    "bulk_create": "peer",
}


@dataclass
class Figure:
    """One row of the table; ratio = value / the value of `against`."""

    name: str
    value: float | None
    unit: str
    against: str = ""
    ratio: float | None = None
    note: str = ""


@dataclass
class Run:
    """The files, the samples of all rounds, and the productions they went into."""

    house: House
    rows: int
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    truths: dict[str, Truth] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    scope: dict[str, Any] = field(default_factory=dict)

    def path(self, part: str) -> Path:
        """The part's file, written when it is first asked for."""
        name = "small" if part in {"small", "peer"} else "big"
        path = self.house.folder / f"{name}.csv"
        if not path.exists():
            self.truths[name] = write_file(path, SMALL_ROWS if name == "small" else self.rows)
        return path

    def round(self, part: str) -> None:
        """Run one part once."""
        said: dict[str, Any]
        if part == "peer":
            said = self.house.measure("owner", "bulk_create", file=str(self.path(part)))
        elif part == "floor":
            said = self._floor()
        elif part == "lookup":
            said = self._lookup()
        elif part == "desk":
            said = self._desk()
        else:
            path, code = self.path(part), self.house.new_production()
            said = self.house.measure("worker", "ingest", file=str(path), code=code)
            truth = asdict(self.truths[part])
            assert {name: said[name] for name in truth} == truth, f"{said} is not {truth}"
            self.codes[part] = code
        self.samples.setdefault(part, []).append(said)

    def _floor(self) -> dict[str, Any]:
        code, chunks = self.house.new_production(), self.house.folder / "chunks"
        chunks.mkdir()
        self.house.measure(
            "worker", "prepare_floor", file=str(self.path("floor")), code=code, into=str(chunks)
        )
        said = self.house.measure("worker", "copy_floor", code=code, chunks=str(chunks))
        shutil.rmtree(chunks)
        return said

    def _desk(self) -> dict[str, Any]:
        """As many rows held for one cause, and settled as one act."""
        path, code = self.house.folder / "held.csv", self.house.new_production()
        account = write_held_file(path, SMALL_ROWS)
        self.house.measure("worker", "ingest", file=str(path), code=code)
        return self.house.measure("worker", "settle_cause", code=code, value=account)

    def _lookup(self) -> dict[str, Any]:
        """The tree and its snapshot are made once; every round opens them anew."""
        if "lookup" not in self.codes:
            code = self.codes["lookup"] = self.house.new_production()
            self.house.measure("owner", "grow_tree", code=code, nodes=TREE_NODES)
            self.house.measure("worker", "write_snapshot", code=code)
        return self.house.measure("worker", "digest_lookup", code=self.codes["lookup"])

    def median(self, part: str, what: Callable[[dict[str, Any]], float]) -> float:
        """The median over the rounds."""
        return statistics.median(what(sample) for sample in self.samples[part])

    def rate(self, part: str) -> float:
        """Rows of the file a second."""
        rows = SMALL_ROWS if part in {"small", "peer"} else self.rows
        return rows / self.median(part, lambda s: s["seconds"])

    def ratio(self, part: str, yardstick: str) -> float:
        """The median of the rounds' own ratios: a slow hour slows both parts of a round."""
        rows = {p: SMALL_ROWS if p in {"small", "peer"} else self.rows for p in (part, yardstick)}
        pairs = zip(self.samples[part], self.samples[yardstick], strict=True)
        return statistics.median(
            rows[part] / p["seconds"] * y["seconds"] / rows[yardstick] for p, y in pairs
        )


def figures(run: Run, names: list[str]) -> list[Figure]:
    """The rows of the table, each beside its yardstick."""
    made = [FIGURES[name](run) for name in PARTS if name in names]
    values = {f.name: f.value for f in made}
    if "floor" in run.samples:
        values["copy_floor_1m"] = run.rate("floor")
        values["copy_20k"] = run.median("floor", lambda s: statistics.median(s["copies"] or [0]))
    if "small" in run.samples:
        values["ingest_100k"] = run.rate("small")
    for figure in made:
        yardstick = values.get(figure.against)
        pair = (PART_OF.get(figure.name, ""), PART_OF.get(figure.against, ""))
        if all(pair):
            figure.ratio = run.ratio(*pair)
        elif figure.value is not None and yardstick:
            figure.ratio = figure.value / yardstick
    return made


def _peak(part: str) -> Callable[[Run], float]:
    return lambda run: run.median(part, lambda s: s["peak_bytes"]) / MEGABYTE


def _growth(run: Run) -> Figure:
    if run.rows <= SMALL_ROWS:
        return Figure("rss_growth", None, "bytes/row", note="the large file is not the larger")
    more = (_peak("big")(run) - _peak("small")(run)) * MEGABYTE
    return Figure("rss_growth", more / (run.rows - SMALL_ROWS), "bytes/row")


def _verify(run: Run) -> Figure:
    said = run.house.measure("owner", "verify", code=run.codes["big"])
    rate, hashes = said["postings"] / said["seconds"], said["hashes_a_second"]
    return Figure("verify", rate, "postings/s", "hash", rate / hashes)


def _bundle(run: Run) -> Figure:
    code = run.codes["small"]
    run.house.measure("worker", "sign_logs", code=code)
    said = run.house.measure("owner", "bundle_verify", code=code)
    return Figure("bundle_verify", said["seconds"], "s", note=f"{said['postings']:,} postings")


def _document(run: Run) -> Figure:
    ids = run.house.measure("owner", "named", code=run.codes["big"])
    asked = {name: ids[name] for name in ("production", "person")}
    said = run.house.measure("web", "post_document", **asked)
    return Figure("post_document", said["p95_ms"], "ms")


def _scope(run: Run) -> dict[str, Any]:
    """What a department's head is told, beside who sees all: once for all the figures of it."""
    if not run.scope:
        code = run.codes["big"]
        head = run.house.measure("owner", "give_department", code=code)
        production, person, center = (head[name] for name in ("production", "person", "center"))
        plain = run.house.measure("owner", "plain_count", production=production, center=center)
        scoped = run.house.measure("web", "scoped", production=production, person=person)
        assert scoped["rows"] == plain["rows"] > 0, f"{scoped} is not {plain}"
        report = run.house.measure("web", "head_report", code=code, person=person)
        run.scope = {
            "plain": plain["ms"], "scoped": scoped["ms"], "rows": plain["rows"],
            "seal": scoped["seal_ms"], "report": report["p95_ms"],
        }  # fmt: skip
    return run.scope


def _scoped(name: str, what: str, against: str = "") -> Callable[[Run], Figure]:
    def figure(run: Run) -> Figure:
        note = f"{_scope(run)['rows']:,} postings" if what in {"plain", "scoped"} else ""
        return Figure(name, _scope(run)[what], "ms", against, note=note)

    return figure


def _page(run: Run) -> Figure:
    said = run.house.measure("web", "page_500_rows", code=run.codes["big"])
    return Figure("page_500_rows", said.get("p95_ms"), "ms", note=said.get("reason", ""))


def _seal(run: Run) -> Figure:
    seconds = run.median("floor", lambda s: statistics.median(s["seals"] or [0]))
    return Figure("seal_20k", seconds, "s", "copy_20k")


def _tenth(name: str, against: str = "") -> Callable[[Run], Figure]:
    """The seals at one end of the journal: the first tenth of the chunks, or the last."""

    def end(said: dict[str, Any]) -> float:
        seals = said["seals"]
        tenth = -(-len(seals) // 10)
        return statistics.median(seals[-tenth:] if against else seals[:tenth])

    return lambda run: Figure(name, run.median("floor", end), "s", against)


def _settled(run: Run) -> Figure:
    return Figure(
        "desk_settle", run.median("desk", lambda s: s["rows_per_s"]), "rows/s", "ingest_100k"
    )


def _looked_up(name: str, what: str, unit: str, against: str = "") -> Callable[[Run], Figure]:
    scale = MEGABYTE if unit == "MB" else 1
    return lambda run: Figure(name, run.median("lookup", lambda s: s[what] / scale), unit, against)


FIGURES: dict[str, Callable[[Run], Figure]] = {
    "ingest_100k": lambda run: Figure("ingest_100k", run.rate("small"), "rows/s", "copy_floor_1m"),
    "ingest_1m": lambda run: Figure("ingest_1m", run.rate("big"), "rows/s", "copy_floor_1m"),
    "copy_floor_1m": lambda run: Figure("copy_floor_1m", run.rate("floor"), "rows/s"),
    "peak_rss_100k": lambda run: Figure("peak_rss_100k", _peak("small")(run), "MB"),
    "peak_rss_1m": lambda run: Figure("peak_rss_1m", _peak("big")(run), "MB", "peak_rss_100k"),
    "rss_growth": _growth,
    "seal_20k": _seal,
    "seal_first": _tenth("seal_first"),
    "seal_last": _tenth("seal_last", "seal_first"),
    "verify": _verify,
    "bundle_verify": _bundle,
    "page_500_rows": _page,
    "post_document": _document,
    "plain_count": _scoped("plain_count", "plain"),
    "scoped_count": _scoped("scoped_count", "scoped", "plain_count"),
    "context_seal": _scoped("context_seal", "seal"),
    "head_report": _scoped("head_report", "report"),
    "desk_page": lambda run: Figure(
        "desk_page", run.median("desk", lambda s: s["quarantine_view"]), "ms"
    ),
    "desk_settle": _settled,
    "bulk_create": lambda run: Figure("bulk_create", run.rate("peer"), "rows/s", "ingest_100k"),
    "digest_batch": _looked_up("digest_batch", "batch_us", "us", "digest_dict"),
    "digest_batch_1k": _looked_up("digest_batch_1k", "small_batch_us", "us", "digest_dict"),
    "digest_single": _looked_up("digest_single", "single_us", "us", "digest_sql"),
    "digest_dict": _looked_up("digest_dict", "dict_us", "us"),
    "digest_sql": _looked_up("digest_sql", "sql_us", "us"),
    "snapshot_open": _looked_up("snapshot_open", "open_ms", "ms", "tree_from_sql"),
    "tree_from_sql": _looked_up("tree_from_sql", "from_sql_ms", "ms"),
    "snapshot_private": _looked_up("snapshot_private", "snapshot_bytes", "MB", "dict_private"),
    "dict_private": _looked_up("dict_private", "dictionary_bytes", "MB"),
}


def table(rows: list[Figure]) -> str:
    """The figures for people."""
    lines = [f"{'figure':<16}{'value':>14}  {'unit':<12}{'against':<16}{'ratio':>7}"]
    for f in rows:
        value = "-" if f.value is None else f"{f.value:,.{0 if f.value >= 100 else 3}f}"
        ratio = "" if f.ratio is None else f"{f.ratio:.2f}"
        lines.append(
            f"{f.name:<16}{value:>14}  {f.unit:<12}{f.against:<16}{ratio:>7}  {f.note}".rstrip()
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="length of the large file")
    parser.add_argument("--rounds", type=int, default=3, help="rounds the medians are taken of")
    parser.add_argument("--only", choices=[*PARTS, *GROUPS], help="measure what this figure needs")
    asked = parser.parse_args()
    names = GROUPS.get(asked.only, [asked.only]) if asked.only else list(PARTS)
    needed = set().union(*(PARTS[name] for name in names))
    with open_house() as house:
        run = Run(house, asked.rows)
        for number in range(asked.rounds):
            # The order turns with every round, so that no part always meets the warmer machine.
            order = [p for p in ("floor", "big", "small", "peer", "lookup", "desk") if p in needed]
            for part in order if number % 2 == 0 else reversed(order):
                run.round(part)
                seconds = run.samples[part][-1]["seconds"]
                print(f"round {number + 1} {part}: {seconds:.1f} s", file=sys.stderr, flush=True)
        rows = figures(run, names)
    LATEST.write_text(json.dumps([asdict(f) for f in rows], indent=1) + "\n")
    print(f"{asked.rows:,} rows, medians of {asked.rounds} rounds")
    print(table(rows))


if __name__ == "__main__":
    main()
