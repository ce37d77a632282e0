"""Another value for every column of a table, in the column's own type."""

from tests.ledger.raw_batches import query


def other_values(table: str, column: str, kind: str, most: int | None) -> list[str]:
    """SQL that gives something else than what stands in the column, in the column's type."""
    if column == "segments":  # which a constraint holds to its one form
        return ["'set=ALTERED'", "''"]
    return {
        "bigint": [f"coalesce({column}, 0) + 1000000", f"{column} + 1"],
        "integer": [f"coalesce({column}, 0) + 1", f"{column} + 1000000"],
        "smallint": [f"{column} + 1", f"{column} + 1000"],  # the next may be there already
        "numeric": [f"coalesce({column}, 0) + 0.0001", f"-{column}", "'NaN'"],
        "date": [f"{column} + 1", "'infinity'"],
        "timestamp with time zone": [
            f"coalesce({column}, '2026-01-01') + interval '1 microsecond'",
            "'infinity'",
        ],
        "character varying": [f"overlay({column} placing '~' from 1 for {int(most == 3)})", "'~'"],
        "text": [f"{column} || ' '", "''"],
        "bytea": [
            f"CASE WHEN {column} = '' THEN '\\x00' ELSE"
            f" set_bit({column}, 0, 1 - get_bit({column}, 0)) END",
            f"{column} || '\\x00'",
            "''",
        ],
        "ARRAY": [f"{column} || '\\x00'::bytea", "'{}'", "'{NULL}'", "ARRAY[['\\x00'::bytea]]"],
        "jsonb": ['\'{"altered": "1"}\'', "'[]'"],
        "xid8": ["'7'"],
        "boolean": [f"NOT {column}"],
        "inet": ["'192.0.2.77'"],
    }[kind]


def flips(table: str) -> list[tuple[str, str]]:
    """(column, other value) for every column of a table, with NULL where the column takes it."""
    made = []
    for column, kind, most, nullable in query(
        "SELECT column_name, data_type, character_maximum_length, is_nullable"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " ORDER BY ordinal_position",
        table,
    ):
        values = other_values(table, column, kind, most)
        made += [(column, v) for v in [*values, *(["NULL"] if nullable == "YES" else [])]]
    return made


def flip(table: str, at: str, column: str, value: str) -> bool:
    """Change one column of one row; False where the value was that already, or may not be."""
    changed = query(
        f"UPDATE {table} SET {column} = {value} WHERE ctid = %s::tid"
        f" AND {column} IS DISTINCT FROM ({value}) RETURNING 1",
        at,
    )
    return bool(changed)
