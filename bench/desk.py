"""The quarantine desk with a hundred thousand held rows: its pages, and settling them all."""

import time
from typing import Any

from access import context
from access.selectors import production_by_code
from access.services import console_person
from ingestion import selectors, work
from ingestion.desk import acts
from ingestion.desk import selectors as desk_selectors
from ingestion.desk.acts import CauseAsked
from ingestion.screens import desk


def settle_cause(code: str, value: str) -> dict[str, Any]:
    """Fix the commonest cause with `value`; seconds for the pages before, rows/s of the fix."""
    production, person = production_by_code(code), console_person()
    assert production is not None
    said: dict[str, Any] = {}

    def timed(name: str, *asked: Any) -> Any:
        began = time.perf_counter()
        with context.acting(user_id=person.pk, production_id=production.pk):
            page = getattr(desk, name)(production, *asked)
        said[name] = round((time.perf_counter() - began) * 1000, 1)
        return page

    timed("quarantine_view", None)
    cause = timed("quarantine_view", None)["causes"][0]
    page = timed("cause_page", cause["name"], None, 0)
    last = page["cause"]["rows"][-1]["id"] + cause["count"] - 1_000
    timed("cause_page", cause["name"], None, last)
    with context.acting(user_id=person.pk, production_id=production.pk):
        count = str(desk_selectors.extent(production, cause["name"]).rows)
        asked = CauseAsked(cause["name"], None, "fix", value, "", count, count)
        began = time.perf_counter()
        act = acts.act_on_cause(actor=person, production=production, asked=asked)
        said["decide"] = round((time.perf_counter() - began) * 1000, 1)
        item = selectors.work_of("act", [act.pk]).get()
    began = time.perf_counter()
    work.drain(only=item.pk)
    took = time.perf_counter() - began
    with context.acting(user_id=person.pk, production_id=production.pk):
        act.refresh_from_db()
    assert act.posted == act.rows, (act.state, act.posted, act.rows)
    return said | {"rows": act.rows, "rows_per_s": round(act.rows / took), "seconds": took}
