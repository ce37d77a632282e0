"""Vendors' APIs against a real server that throttles, breaks off and lies about its pages."""

import json
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from access.errors import Invalid
from access.outbound import Limits
from alerts import selectors as told
from alerts import vault
from ingestion import feed_pages, feed_runs, feeds, letters, selectors, waiting, work
from ingestion.alerting import telling
from ingestion.connectors.terms import Terms
from ingestion.models import HeldRow, ImportBatch, WorkItem
from ingestion.tables.feeds import Feed, FeedRun
from ledger.models import Transaction
from ledger.selectors import document_bytes
from ledger.verify import verify_production
from prodacct import server
from taxonomy.selectors import unit_by_code
from tests.factories import Cast, Film, acting, make_film, role
from tests.ingestion.vendor import COLUMNS, Vendor, row, rows, serving
from tests.ingestion.workers import workers

SECRET = "geheim-7f3a-geheim"


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    with role("owner"):
        return make_film(cast)


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    with serving() as made:
        yield made


@pytest.fixture(autouse=True)
def loopback(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(settings, "OUTBOUND_LOOPBACK", True)
    with role("worker"):
        yield


def feed_of(film: Film, vendor: Vendor, path: str, secret: str = SECRET, **terms: Any) -> Feed:
    """Amir adds a feed on the web."""
    asked = {
        "url": vendor.url(path), "columns": tuple(COLUMNS.items()), "rows": "data.items", **terms,
    }  # fmt: skip
    with role("web"), acting(film, "amir"):
        unit = unit_by_code(film.production, "MAIN")
        assert unit is not None
        return feeds.add_feed(
            actor=film.cast["amir"], production=film.production, terms=Terms(**asked),
            secret=secret, feed=Feed(name=path, source="cost-lines", unit=unit,
                                     calls_per_minute=6_000),
        )  # fmt: skip


def begun(film: Film, feed: Feed) -> FeedRun:
    with role("web"), acting(film, "amir"):
        return feeds.start_run(actor=film.cast["amir"], feed=feed)


def due_now() -> None:
    """Turn the clock on: what waits may be tried, and the vendor may be asked."""
    with role("owner"), connection.cursor() as cursor:
        cursor.execute("UPDATE ingestion_workitem SET run_after = clock_timestamp()"
                       " WHERE state = 'ready'")  # fmt: skip
        cursor.execute("UPDATE sec.call_budget SET not_before = '-infinity', tokens = 5")


def tried(film: Film, run: FeedRun) -> FeedRun:
    """One try of the run, as far as it gets."""
    with acting(film, "amir"):
        item = selectors.work_of("feed", [run.pk]).get()
    due_now()
    work.drain(only=item.pk)
    with acting(film, "amir"):
        return telling.run_by_id(film.production.pk, run.pk)


def read_to_end(film: Film, feed: Feed, most_tries: int = 12) -> FeedRun:
    run = begun(film, feed)
    for _ in range(most_tries):
        run = tried(film, run)
        if run.state != "running":
            break
    read_imports(film, run)
    return run


def read_imports(film: Film, run: FeedRun) -> None:
    with acting(film, "amir"):
        items = [
            selectors.work_of("import", [page.batch_id]).get()
            for page in telling.pages(run)
            if page.batch_id
        ]
    for item in items:
        work.drain(only=item.pk)


def sums(film: Film, run: FeedRun) -> tuple[int, int, int, int]:
    """(rows, posted, duplicate, quarantined) of the run's imports."""
    with acting(film, "amir"):
        found = {p.batch_id: p.batch for p in telling.pages(run) if p.batch_id}
        batches = ImportBatch.objects.filter(pk__in=found)
        said = [(b.rows, b.posted, b.duplicate, b.quarantined) for b in batches]
    return tuple(map(sum, zip(*said, strict=True)))  # type: ignore[return-value]


def letter_of(film: Film, run: FeedRun) -> Any:
    with acting(film, "amir"):
        return waiting.dead_letters(film.production).filter(kind="call", subject_id=run.pk).first()


def test_a_nested_page_is_kept_and_every_figure_opens_its_bytes(film: Film, vendor: Vendor) -> None:
    vendor.pages_of("plain", [3, 2])
    feed = feed_of(film, vendor, "/plain", paging="page", parameter="page", total_path="total")
    run = read_to_end(film, feed)
    assert (run.state, run.pages, run.rows, run.words) == ("done", 3, 5, "")
    assert sums(film, run) == (5, 5, 0, 0)
    with acting(film, "amir"):
        page = telling.pages(run)[1]
        whole = b"".join(document_bytes(page.document))
        assert whole == vendor.pages["/plain?page=2"]
        posted = Transaction.objects.filter(
            production=film.production, document_id=page.document_id
        )
        said = [json.loads(whole[t.source_start : t.source_end])["number"] for t in posted]
    assert sorted(said) == ["plain3", "plain4"]
    again = read_to_end(film, feed)
    assert (again.state, again.rows) == ("done", 5)
    with role("owner"):
        assert Transaction.objects.filter(production=film.production).count() == 5
        assert verify_production(film.production).findings == []


def test_calls_that_fail_are_dead_letters_tried_again_later_and_nothing_is_lost(
    film: Film, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pages, "LIMITS", Limits(most_bytes=10_000_000, seconds=0.5))
    paths = vendor.pages_of("rough", [3, 3])
    vendor.faults = {
        paths[0]: ["429 7", "drop", "503"], paths[1]: ["short", "html", "slow 0.8"],
    }  # fmt: skip
    feed = feed_of(film, vendor, "/rough", paging="page", parameter="page")
    run = tried(film, begun(film, feed))
    letter = letter_of(film, run)
    assert (letter.state, letter.attempts, letter.code) == ("retrying", 1, "E_CALL")
    assert "it asks for fewer calls (429)" in letter.cause
    item = WorkItem.objects.get(kind="feed", subject_id=run.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM %s - clock_timestamp()),"
                       " sec.take_call(%s, 6000, 5)", [item.run_after, feed.vendor])  # fmt: skip
        (seconds, wait) = cursor.fetchone()
    assert 5 < seconds <= 12.1, "no sooner than the vendor asks for, and never at one moment"
    assert 5 < wait <= 7, "the vendor's budget is closed for every worker"
    assert work.claim(only=item.pk) is None
    states = []
    for _ in range(6):
        run = tried(film, run)
        states.append((run.state, run.pages, run.failures))
    assert states == [("running", 0, 2), ("running", 0, 3), ("running", 1, 1), ("running", 1, 2),
                      ("running", 1, 3), ("done", 3, 0)]  # fmt: skip
    read_imports(film, run)
    assert sums(film, run) == (6, 6, 0, 0)
    with acting(film, "amir"):
        ended = waiting.dead_letters(film.production).filter(kind="call", subject_id=run.pk)
        assert [(x.state, x.attempts) for x in ended] == [("done", 3), ("done", 3)]
        alert = told.alerts(film.production).get(kind="call")
    assert alert.count == 6, "a flood is one alert"


@pytest.mark.parametrize(
    ("fault", "why"),
    [("401", "does not let us in"), ("404", "found 404"), ("302", "found 302"),
     ("moved http://169.254.169.254/latest", "found 302"),
     ("large 52428800", "larger than 10,000,000 bytes")],
)  # fmt: skip
def test_what_trying_again_cannot_mend_is_given_up_at_once_and_re_driven_by_a_person(
    film: Film, vendor: Vendor, fault: str, why: str
) -> None:
    name = f"/final{len(vendor.pages)}"
    vendor.page(name, rows(name[1:], 0, 2))
    vendor.faults[name] = [fault]
    run = tried(film, begun(film, feed_of(film, vendor, name)))
    letter = letter_of(film, run)
    assert (run.state, letter.state) == ("failed", "given_up")
    assert why in letter.cause
    with role("web"), acting(film, "amir"):
        (made,) = letters.decide(
            actor=film.cast["amir"], letters=[letter], action="redrive", reason="they mended it"
        )
    with acting(film, "amir"):
        item = selectors.work_of("decision", [made.pk]).get()
    work.drain(only=item.pk)
    run = tried(film, run)
    read_imports(film, run)
    assert (run.state, letter_of(film, run).state, sums(film, run)) == (
        "done",
        "done",
        (2, 2, 0, 0),
    )


def test_it_is_given_up_after_so_many_tries(
    film: Film, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_runs, "MOST_FAILURES", 3)
    vendor.page("/down", rows("down", 0, 1))
    vendor.faults["/down"] = ["500"] * 5
    run = read_to_end(film, feed_of(film, vendor, "/down"))
    assert (run.state, run.failures, letter_of(film, run).state) == ("failed", 3, "given_up")


@pytest.mark.parametrize("lie", ["itself", "circle", "same page", "elsewhere", "long"])
def test_pages_that_lead_nowhere_are_noticed_and_what_came_is_kept_once(
    film: Film, vendor: Vendor, lie: str
) -> None:
    name = f"lie-{lie.replace(' ', '')}"
    first, second, third = (f"/{name}", f"/{name}-2", f"/{name}-3")
    leads = {"itself": (first, first), "circle": (second, first), "same page": (second, third),
             "elsewhere": ("http://127.0.0.1:1/x", ""), "long": ("/" + "x" * 3000, "")}  # fmt: skip
    vendor.page(first, rows(name, 0, 2), next=leads[lie][0])
    vendor.page(second, rows(name, 2, 4), next=leads[lie][1])
    vendor.pages[third] = vendor.pages[second]
    run = read_to_end(film, feed_of(film, vendor, first, paging="next", next_path="next"))
    assert (run.state, letter_of(film, run).code) == ("failed", "E_FEED_PAGES")
    kept = {"itself": 2, "circle": 4, "same page": 4}.get(lie, 0)
    assert run.rows == kept
    if kept:
        assert sums(film, run) == (kept, kept, 0, 0)
    assert sum(vendor.asked[path] for path in (first, second, third)) <= 3
    assert any(words in run.words for words in ("again", "leads back", "another host", "3,0"))


def test_a_total_that_does_not_come_out_is_said(film: Film, vendor: Vendor) -> None:
    vendor.pages_of("short", [2, 1], total=40)
    run = read_to_end(film, feed_of(film, vendor, "/short", paging="page", parameter="page",
                                    total_path="total"))  # fmt: skip
    assert (run.state, run.words) == ("done", "The vendor stated 40 rows in all; 3 came.")
    assert letter_of(film, run).code == "E_FEED_TOTAL"


def test_rows_that_come_twice_or_changed_are_not_posted_twice(film: Film, vendor: Vendor) -> None:
    vendor.page("/twice", rows("tw", 0, 3), cursor="b c&d")
    vendor.page("/twice?after=b%20c%26d", [*rows("tw", 2, 4), row("tw0", amount=999.99),
                                           row("tw9", currency="US$")], cursor=None)  # fmt: skip
    vendor.pages["/twice?after=b+c%26d"] = vendor.pages["/twice?after=b%20c%26d"]
    feed = feed_of(film, vendor, "/twice", paging="cursor", next_path="cursor", parameter="after")
    run = read_to_end(film, feed)
    assert (run.state, run.rows, sums(film, run)) == ("done", 7, (7, 4, 1, 2))
    with acting(film, "amir"):
        held = HeldRow.objects.filter(batch__in=[p.batch_id for p in telling.pages(run)])
        assert sorted(c for h in held for c in h.codes) == ["E_CONFLICT", "E_CURRENCY"]


def test_a_token_is_fetched_renewed_and_the_secret_shown_to_nobody(
    film: Film, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    paths = vendor.pages_of("oauth", [1, 1])
    vendor.faults[paths[1]] = ["401"]
    feed = feed_of(film, vendor, "/oauth", auth="oauth2", token_url=vendor.url("/token"),
                   client_id="us", paging="page", parameter="page")  # fmt: skip
    vendor.headers.clear()
    run = read_to_end(film, feed)
    assert (run.state, run.rows, vendor.asked["/token"]) == ("done", 2, 2)
    said = [h.get("Authorization", "") for h in vendor.headers]
    assert [s for s in said if s.startswith("Bearer")] == [
        "Bearer tok-1", "Bearer tok-1", "Bearer tok-2", "Bearer tok-2",
    ]  # fmt: skip
    with role("owner"), connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables"
                       " WHERE table_schema = 'public'")  # fmt: skip
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM {table} x WHERE x::text LIKE %s", [f"%{SECRET}%"])
            assert cursor.fetchone() == (0,), f"{table} holds the secret"
    assert SECRET not in caplog.text
    with role("web"), acting(film, "amir"), pytest.raises(Exception, match="permission denied"):
        told.secret_of("feed", feed.pk)


def test_a_secret_opens_only_where_it_belongs_and_under_its_own_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = vault.sealed(SECRET, production_id=1, kind="feed")
    assert SECRET.encode() not in kept
    assert vault.opened(kept, production_id=1, kind="feed") == SECRET
    for whose, what in ((2, "feed"), (1, "hook")):
        with pytest.raises(vault.SecretLost, match="another production's"):
            vault.opened(kept, production_id=whose, kind=what)
    before = settings.SECRET_KEY
    monkeypatch.setattr(settings, "SECRET_KEY", "another" * 8)
    with pytest.raises(vault.SecretLost, match="PRODACCT_SECRET_KEY_BEFORE"):
        vault.opened(kept, production_id=1, kind="feed")
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [before])
    assert vault.opened(kept, production_id=1, kind="feed") == SECRET


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"url": "https://evil.example.org/x"}, "a host of the list"),
        ({"url": "http://10.0.0.1/x"}, "expected https"),
        ({"auth": "header", "header": "Host"}, "header: expected"),
        ({"auth": "oauth2", "token_url": "http://169.254.169.254/"}, "expected https"),
        ({"auth": "magic"}, "signing in: expected one of"),
        ({"paging": "next"}, "next: expected"),
        ({"paging": "page", "parameter": "a b"}, "parameter: expected"),
        ({"rows": "data[0]"}, "rows: expected a path"),
        ({"columns": ()}, "columns: expected"),
        ({"auth": "header", "secret": ""}, "secret: expected"),
    ],
)
def test_terms_that_cannot_be_followed_are_refused(
    film: Film, vendor: Vendor, changed: dict[str, Any], why: str
) -> None:
    with pytest.raises(Invalid, match=why):
        feed_of(film, vendor, "/refused", **changed)


def test_a_worker_killed_between_pages_loses_nothing(cast: Cast, vendor: Vendor) -> None:
    with role("owner"):
        film = make_film(cast)
    paths = vendor.pages_of("kill", [20] * 12)
    vendor.faults = {paths[11]: ["slow 0"]}
    run = begun(film, feed_of(film, vendor, "/kill", paging="page", parameter="page"))
    with acting(film, "amir"):
        item = selectors.work_of("feed", [run.pk]).get()
    due_now()
    with workers(20_000, PRODACCT_OUTBOUND_LOOPBACK="1") as crew:
        killed = 0
        deadline = time.monotonic() + 40
        while killed < 2 and time.monotonic() < deadline:
            (pid,) = crew.fork({"do": "drain", "items": [item.pk], "parent": os.getpid()})
            goal = 2 + 3 * killed
            while pages_of(film, run) < goal and time.monotonic() < deadline:
                time.sleep(0.005)
            os.kill(pid, 9)
            assert crew.wait(pid) == [-9]
            killed += 1
            work.sweep()
            due_now()
    assert 2 <= pages_of(film, run) < 13, "they were killed at work"
    for _ in range(4):
        run = tried(film, run)
    read_imports(film, run)
    assert (run.state, run.pages, sums(film, run)) == ("done", 13, (240, 240, 0, 0))


def pages_of(film: Film, run: FeedRun) -> int:
    with acting(film, "amir"):
        return telling.run_by_id(film.production.pk, run.pk).pages


def test_workers_share_one_budget_of_calls(database: None) -> None:
    """Four sessions ask as often as they can: what they get in all is the burst and the rate."""
    name = f"budget{os.getpid()}"
    taken: list[float] = []

    def ask() -> None:
        where = server.connection_string("worker", str(connection.settings_dict["NAME"]))
        with psycopg.connect(where, autocommit=True) as session:
            until = time.monotonic() + 1.0
            while time.monotonic() < until:
                row = session.execute("SELECT sec.take_call(%s, 600, 5)", [name]).fetchone()
                assert row is not None
                if row[0] == 0:
                    taken.append(time.monotonic())
                else:
                    time.sleep(0.005)

    crowd = [threading.Thread(target=ask) for _ in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    lasted = max(taken) - min(taken)
    assert 5 < len(taken) <= 6 + 10 * (lasted + 0.2)


def test_feeds_that_are_due_are_begun_once(film: Film, vendor: Vendor) -> None:
    vendor.page("/due", rows("due", 0, 1))
    feed = feed_of(film, vendor, "/due")
    with role("web"), acting(film, "amir"):
        for other in telling.feeds(film.production).exclude(pk=feed.pk):
            feeds.switch_feed(actor=film.cast["amir"], feed=other, is_active=False)
    feeds.start_due()
    feeds.start_due()
    with acting(film, "amir"):
        (run,) = telling.runs(film.production).filter(feed=feed)
        with pytest.raises(Invalid, match="is being read now"):
            feeds.start_run(actor=film.cast["amir"], feed=feed)
    assert tried(film, run).state == "done"
    feeds.start_due()
    with acting(film, "amir"):
        assert telling.runs(film.production).filter(feed=feed).count() == 1


def test_a_reading_begins_where_its_terms_say(film: Film, vendor: Vendor) -> None:
    for number in (1, 2, 3):
        data = {"data": {"items": rows(f"start{number}-", 0, 2)}, "next": number + 1}
        if number == 3:
            del data["next"]
        vendor.pages[f"/start?page={number}"] = json.dumps(data).encode()
    vendor.pages["/start?page=4"] = b'{"data": {"items": []}}'
    by_number = {"paging": "page", "parameter": "page", "start": "2"}
    assert read_to_end(film, feed_of(film, vendor, "/start", **by_number)).pages == 3
    feed = feed_of(film, vendor, "/start?page=1", paging="cursor", parameter="page",
                   next_path="next", start="3")  # fmt: skip
    assert read_to_end(film, feed).pages == 1


@pytest.mark.parametrize(
    "terms",
    [
        {"paging": "none", "start": "2"},
        {"paging": "page", "parameter": "page", "start": "two"},
        {"paging": "next", "next_path": "next", "start": "https://elsewhere.example.org/2"},
        {"paging": "cursor", "parameter": "c", "next_path": "next", "start": "a" * 1_001},
    ],
)
def test_a_first_page_that_cannot_be_is_refused(
    film: Film, vendor: Vendor, terms: dict[str, str]
) -> None:
    with pytest.raises(Invalid):
        feed_of(film, vendor, "/costs", **terms)
