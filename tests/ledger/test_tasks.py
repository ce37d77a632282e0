"""The nightly verification: run by the worker, as the worker sees, and what it leaves behind."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.utils import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ledger import tasks, verify
from ledger.checkpoints import checkpoint_production
from ledger.seal import EMPTY_ROOT
from ledger.selectors import standings
from ledger.verify import verify_production
from tests.access.house import attach_something, deal_abroad
from tests.budgets.films import budget_film, changed, estimated, locked
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.raw_batches import insert, query, words
from tests.ledger.tampering import rewritten
from tests.purchasing.office import office, paperwork

Browse = Callable[[str], Client]


@pytest.fixture
def lived_in(cast: Cast) -> Film:
    """A film with rows in every table that is verified, signed."""
    film = budget_film(cast)
    import_data(film, cost_lines([cost_line(1), cost_line(2, account="2220", center="ART")]))
    paperwork(office(film), "CAM", "3310", "lenses")
    attach_something(film, 1)
    deal_abroad(film)
    locked(film)
    changed(film, "overage", ("3310", "50.00"))
    estimated(film, "3310", "efc", "60000")
    with role("worker"):
        checkpoint_production(production=film.production)
    return film


def verified(film: Film) -> int:
    with role("worker"):
        return tasks.verify(film.production.pk)


def badges(film: Film) -> set[str]:
    with role("web"), acting(film, "cho"):
        return {standing.verified for standing in standings(film.production) if standing.size}


def test_the_worker_recomputes_all_that_the_owner_does(lived_in: Film) -> None:
    with role("owner"):
        by_owner = verify_production(lived_in.production)
        assert query("SELECT count(*) FROM journal.audited_rows(%s)", lived_in.production.pk) > [
            (9,)
        ]
    with role("worker"):
        by_worker = verify_production(lived_in.production)
    assert by_worker == by_owner
    assert by_worker.findings == [] and by_worker.postings > 9 and by_worker.checkpoints > 0


def test_a_whole_journal_is_written_down_each_night_with_its_time(lived_in: Film) -> None:
    assert badges(lived_in) == {"not verified yet"}
    assert verified(lived_in) == 0
    with role("owner"):
        said = "SELECT unit_id, size, verified_at FROM ledger_verification WHERE production_id = %s"
        first = query(said, lived_in.production.pk)
        heads = query("SELECT unit_id, size FROM ledger_loghead WHERE size > 0"
                      " AND production_id = %s", lived_in.production.pk)  # fmt: skip
    assert sorted((unit, size) for unit, size, _ in first) == sorted(heads)
    assert verified(lived_in) == 0
    with role("owner"):
        second = query(said + " ORDER BY id DESC", lived_in.production.pk)[: len(first)]
    assert min(at for *_, at in second) > max(at for *_, at in first)
    assert badges(lived_in) == {
        f"verified to entry {size - 1}, {at:%d %b %Y %H:%M UTC}" for _, size, at in second
    }


ALTERED = {
    "posting": "UPDATE ledger_posting SET rule = 'mine' WHERE production_id = %s AND line_no = 1"
    " AND book = 1",
    "total of batch": "UPDATE ledger_batchtotal SET amount = amount + 1 WHERE production_id = %s"
    " AND amount > 0",
    "log entry": "UPDATE ledger_logentry SET line = line || ' '"
    " WHERE production_id = %s AND seq = 1",
    "vendor": "UPDATE purchasing_vendor SET terms_days = 3 WHERE production_id = %s",
    "budgetchange": "UPDATE budgets_budgetchange SET reason = 'x' WHERE production_id = %s",
    "entry": "UPDATE purchasing_entry SET total = total + 1 WHERE production_id = %s",
    "document": "UPDATE ledger_sourcepiece SET data = 'x' WHERE production_id = %s",
    "checkpoint": "DELETE FROM ledger_checkpoint WHERE production_id = %s",
}  # fmt: skip


def test_what_a_superuser_altered_is_found_at_night_and_said(
    lived_in: Film, caplog: pytest.LogCaptureFixture
) -> None:
    assert verified(lived_in) == 0
    for record, statement in ALTERED.items():
        caplog.clear()
        with rewritten():
            query(statement, lived_in.production.pk)
        assert verified(lived_in) == 1
        said = [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]
        assert any(f"{lived_in.code} was altered: {record}" in line for line in said), said
    for badge in badges(lived_in):
        assert badge.startswith("found altered ") and "before that verified to entry" in badge
    with role("worker"), acting(lived_in, "amir"):
        named = query("SELECT count, findings FROM ledger_alteration ORDER BY id DESC LIMIT 1")
    assert named[0][0] >= len(ALTERED) and "vendor" in named[0][1]


def test_the_badge_says_altered_until_all_is_found_whole_again(film: Film, browse: Browse) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    rule = "UPDATE ledger_posting SET rule = %s WHERE production_id = %s"
    with role("owner"):
        ((was,),) = query(
            "SELECT rule FROM ledger_posting WHERE production_id = %s", film.production.pk
        )
    pages = [reverse("audit", args=[film.code]), reverse("cost_report", args=[film.code]),
             reverse("audit_entry", args=[film.code, "MAIN", 0])]  # fmt: skip
    for said, value in (("found altered", "mine"), ("verified to entry", was)):
        with rewritten():
            query(rule, value, film.production.pk)
        assert verified(film) == (value != was)
        for person in ("amir", "cho"):
            for page in pages:
                text = browse(person).get(page).content.decode()
                assert said in text, (page, person)
                assert ("found altered" in text) == (value != was)
                assert "as it was sealed" not in text, "its name is not everybody's to know"


def test_a_worker_whose_time_is_over_finds_nothing_whole_and_nothing_altered(
    film: Film, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have seen no rows from then on, and called them gone."""
    import_data(film, cost_lines([cost_line(1)]))
    monkeypatch.setattr(verify, "LONGEST_SECONDS", -1)
    assert verified(film) == 1
    (said,) = [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]
    assert said.startswith(f"{film.code} could not be verified: ")
    assert badges(film) == {"not verified yet"}


def test_every_night_asks_for_every_production() -> None:
    (nightly,) = [s for s in settings.CELERY_BEAT_SCHEDULE.values()
                  if s["task"] == tasks.verify_each.name]  # fmt: skip
    assert nightly.get("args", ()) == ()
    now = timezone.now()
    due = nightly["schedule"].remaining_estimate(now)
    assert timedelta(0) < due <= timedelta(days=1)


def test_the_database_takes_no_verification_that_the_log_denies(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    w = words(film)
    with role("owner"):
        ((size, root),) = query("SELECT size, root FROM ledger_loghead WHERE unit_id = %s",
                                w.units["MAIN"])  # fmt: skip
    right = {"production_id": w.production, "unit_id": w.units["MAIN"], "size": size,
             "root": bytes(root), "verified_at": timezone.now() - timedelta(days=9)}  # fmt: skip
    with role("worker"):
        for wrong in ({"size": size + 1}, {"size": 0}, {"root": EMPTY_ROOT}):
            with pytest.raises(DatabaseError, match="is not one of"), acting(film, "amir"):
                insert("ledger_verification", **{**right, **wrong})
        with acting(film, "amir"):
            insert("ledger_verification", **right)
            insert("ledger_alteration", production_id=w.production, count=1, findings="x",
                   found_at=right["verified_at"])  # fmt: skip
            for table, at in (("verification", "verified_at"), ("alteration", "found_at")):
                sql = f"SELECT now() - max({at}) < '1 minute' FROM ledger_{table}"
                assert query(sql) == [(True,)], "nobody says when"


def test_the_names_of_what_was_altered_are_not_everybodys(film: Film) -> None:
    for name in ("web", "bond"):
        with role(name), acting(film, "amir"):
            query("SELECT count, found_at FROM ledger_alteration")
            with pytest.raises(DatabaseError, match="denied"), connection.cursor() as cursor:
                cursor.execute("SELECT findings FROM ledger_alteration")
            connection.set_rollback(True)
