"""How often what is tried at random is tried: enough for every day, or all that is promised."""

import os


def times(daily: int, *, promised: int) -> int:
    """`promised` with PRODACCT_LONG=1, which takes a quarter of an hour; else `daily`."""
    return promised if os.environ.get("PRODACCT_LONG") == "1" else daily
