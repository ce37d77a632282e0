"""How a file's columns differ from those its source sent before. Pure."""

from typing import NamedTuple

from ingestion.layouts.mapping import Mapping, header_key, read_header


class Drift(NamedTuple):
    """One column that is not as it was: renamed, moved, new or missing."""

    column: str
    change: str
    field: str = ""
    was: str = ""


def drift(mapping: Mapping, header: list[str], before: list[str]) -> list[Drift]:
    """What changed since the source's last file, or, without one, from what the mapping expects.

    A known name in the place of another is `renamed`; columns whose order changed are `moved`,
    named once by the first of them; a column nobody has decided about is `new` in every file.
    """
    columns = read_header(mapping, header)
    earlier = {c.field: c.header for c in read_header(mapping, before) if c.field}
    expected = earlier or {c.field: c.headers[0] for c in mapping.columns if c.headers}
    found = [
        Drift(c.header, "renamed", c.field, expected[c.field])
        for c in columns
        if c.field in expected and header_key(c.header) != header_key(expected[c.field])
    ]
    found += [Drift(c.header, "new") for c in columns if c.known in {"new", "money"}]
    present = {c.field for c in columns}
    found += [
        Drift(header, "missing", name) for name, header in earlier.items() if name not in present
    ]
    order = [c.field for c in columns if c.field in expected]
    usual = [name for name in expected if name in present]
    first = next((a for a, b in zip(order, usual, strict=False) if a != b), None)
    if first is not None:
        at = next(c for c in columns if c.field == first)
        found.append(Drift(at.header, "moved", first))
    return found
