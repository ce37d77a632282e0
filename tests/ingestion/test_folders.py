"""Folders on SFTP servers: a real server whose files grow, vanish, lie and break off."""

import base64
import hashlib
import io
import stat
from collections.abc import Iterator
from typing import Any

import paramiko
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from access.errors import Invalid
from ingestion import feeds, selectors, work
from ingestion.alerting import telling
from ingestion.connectors.folder import FolderTerms
from ingestion.connectors.terms import Terms
from ingestion.models import ImportBatch
from ingestion.tables.feeds import Feed, FeedRun
from ingestion.tables.letters import DeadLetter
from ledger.selectors import document_bytes
from taxonomy.selectors import unit_by_code
from tests.factories import Cast, Film, acting, cost_line, cost_lines, make_film, role
from tests.ingestion.sftp_vendor import PASSWORD, USER, File, SftpVendor, serving
from tests.ingestion.test_feeds import begun, tried


@pytest.fixture
def film(cast: Cast) -> Film:
    with role("owner"):
        return make_film(cast)


@pytest.fixture
def vendor() -> Iterator[SftpVendor]:
    with serving() as made:
        yield made


@pytest.fixture(autouse=True)
def loopback(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(settings, "OUTBOUND_LOOPBACK", True)
    with role("worker"):
        yield


def terms_of(vendor: SftpVendor, **other: Any) -> FolderTerms:
    asked = {
        "host": "127.0.0.1", "port": vendor.port, "user": USER, "host_key": vendor.host_key,
        "folder": "/out", "pattern": "*.csv", **other,
    }  # fmt: skip
    return FolderTerms(**asked)


def folder_of(film: Film, vendor: SftpVendor, secret: str = PASSWORD, **terms: Any) -> Feed:
    """Amir adds a folder on the web."""
    with role("web"), acting(film, "amir"):
        unit = unit_by_code(film.production, "MAIN")
        assert unit is not None
        return feeds.add_feed(
            actor=film.cast["amir"], production=film.production, terms=terms_of(vendor, **terms),
            secret=secret, feed=Feed(name="vendor", source="cost-lines", unit=unit,
                                     calls_per_minute=6_000),
        )  # fmt: skip


def looked(film: Film, feed: Feed) -> FeedRun:
    """One look, as far as it gets, and the imports it queued."""
    run = tried(film, begun(film, feed))
    with acting(film, "amir"):
        items = [selectors.work_of("import", [page.batch_id]).get() for page in telling.pages(run)]
    for item in items:
        work.drain(only=item.pk)
    return run


def imports(film: Film) -> dict[str, tuple[str, int, bytes]]:
    with acting(film, "amir"):
        return {
            b.file_name: (b.state, b.posted, b"".join(document_bytes(b.document)))
            for b in ImportBatch.objects.filter(production=film.production)
        }


def letters(film: Film) -> list[tuple[str, str, str]]:
    with acting(film, "amir"):
        found = DeadLetter.objects.filter(production=film.production).order_by("pk")
        return [(one.code, one.state, one.cause) for one in found]


WEEK = cost_lines([cost_line(n) for n in range(1, 6)])


def test_a_file_that_lies_still_is_taken_once(film: Film, vendor: SftpVendor) -> None:
    vendor.files["week1.csv"] = File(WEEK)
    feed = folder_of(film, vendor)
    first = looked(film, feed)
    assert (first.state, first.pages, vendor.fetched) == ("done", 0, [])
    assert "the next look takes them" in first.words
    second = looked(film, feed)
    assert (second.state, second.pages, second.words) == ("done", 1, "")
    assert imports(film) == {"week1.csv": ("posted", 5, WEEK)}
    assert [looked(film, feed).pages for _ in range(2)] == [0, 0]
    assert vendor.fetched == ["week1.csv"]


def test_a_file_that_grows_from_look_to_look_waits(film: Film, vendor: SftpVendor) -> None:
    vendor.files["week1.csv"] = File(WEEK[:100])
    feed = folder_of(film, vendor)
    for size in (200, 300, len(WEEK)):
        assert looked(film, feed).pages == 0
        vendor.files["week1.csv"] = File(WEEK[:size], changed_at=1_770_000_000 + size)
    assert looked(film, feed).pages == 0
    assert looked(film, feed).pages == 1
    assert imports(film)["week1.csv"][1] == 5


def test_a_file_that_changes_while_it_is_fetched_is_left_for_later(
    film: Film, vendor: SftpVendor
) -> None:
    vendor.files["week1.csv"] = File(WEEK, grows=b"more\n")
    feed = folder_of(film, vendor)
    looked(film, feed)
    run = looked(film, feed)
    assert (run.state, run.pages, vendor.fetched) == ("done", 0, ["week1.csv"])
    assert imports(film) == {}


def test_a_server_that_sends_more_than_it_stated_is_not_believed(
    film: Film, vendor: SftpVendor
) -> None:
    vendor.files["week1.csv"] = File(bytes(3_000_000), stated=1_000)
    feed = folder_of(film, vendor)
    looked(film, feed)
    assert looked(film, feed).pages == 0
    assert imports(film) == {}


def test_only_plain_files_whose_names_fit_are_taken(film: Film, vendor: SftpVendor) -> None:
    vendor.files |= {
        "week1.csv": File(WEEK),
        "week1.CSV.part": File(WEEK),
        ".hidden.csv": File(WEEK),
        "link.csv": File(WEEK, mode=stat.S_IFLNK | 0o777),
        "folder.csv": File(b"", mode=stat.S_IFDIR | 0o755),
        "../../escape.csv": File(WEEK),
    }
    feed = folder_of(film, vendor)
    looked(film, feed)
    assert looked(film, feed).pages == 1
    assert vendor.fetched == ["week1.csv"]


def test_the_same_bytes_under_another_name_are_one_import(film: Film, vendor: SftpVendor) -> None:
    vendor.files |= {"a.csv": File(WEEK), "b.csv": File(WEEK)}
    feed = folder_of(film, vendor)
    looked(film, feed)
    assert looked(film, feed).pages == 2
    assert list(imports(film)) == ["a.csv"]


def test_a_server_with_another_key_is_told_nothing(film: Film, vendor: SftpVendor) -> None:
    feed = folder_of(film, vendor, host_key=vendor.host_key)
    vendor.key = paramiko.ECDSAKey.generate()
    run = looked(film, feed)
    assert run.state == "failed"
    assert "is not the server that was agreed" in run.words
    assert vendor.signed_in_with == []
    assert [one[:2] for one in letters(film)] == [("E_CALL", "given_up")]


def test_a_fingerprint_pins_the_key_as_well(film: Film, vendor: SftpVendor) -> None:
    digest = hashlib.sha256(vendor.key.asbytes()).digest()
    pinned = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    feed = folder_of(film, vendor, host_key=pinned)
    assert looked(film, feed).state == "done"
    vendor.key = paramiko.RSAKey.generate(2048)
    asked = list(vendor.signed_in_with)
    assert looked(film, feed).state == "failed"
    assert vendor.signed_in_with == asked


def test_a_wrong_password_waits_for_a_person(film: Film, vendor: SftpVendor) -> None:
    run = looked(film, folder_of(film, vendor, secret="not the one"))
    assert run.state == "failed"
    assert "renew the feed's secret" in run.words
    assert vendor.signed_in_with == ["not the one"]


def test_a_private_key_signs_in_and_stays_in_the_vault(film: Film, vendor: SftpVendor) -> None:
    vendor.client_key = paramiko.RSAKey.generate(2048)
    text = io.StringIO()
    vendor.client_key.write_private_key(text)
    feed = folder_of(film, vendor, secret=text.getvalue().strip(), auth="key")
    assert looked(film, feed).state == "done"
    with role("owner"), connection.cursor() as cursor:
        for table in ("ledger_logentry", "ingestion_feed", "ingestion_secret"):
            cursor.execute(f"SELECT count(*), count(*) FILTER (WHERE x::text ~ %s) FROM {table} x",
                           ["PRIVATE KEY|" + b"PRIVATE KEY".hex()])  # fmt: skip
            rows, shown = cursor.fetchone()
            assert (rows > 0, shown) == (True, 0), table
    with acting(film, "amir"), pytest.raises(Invalid, match="private key"):
        feeds.renew_secret(actor=film.cast["amir"], feed=feed, secret="no key")


def test_a_server_that_is_away_is_asked_again_later(film: Film, vendor: SftpVendor) -> None:
    vendor.files["week1.csv"] = File(WEEK)
    feed = folder_of(film, vendor)
    looked(film, feed)
    vendor.is_away = True
    run = looked(film, feed)
    assert (run.state, run.failures) == ("running", 1)
    assert [one[:2] for one in letters(film)] == [("E_CALL", "retrying")]
    vendor.is_away = False
    run = tried(film, run)
    assert (run.state, run.pages) == ("done", 1)
    assert [one[:2] for one in letters(film)] == [("E_CALL", "done")]


def test_a_file_that_breaks_off_is_fetched_again_and_what_came_before_stays(
    film: Film, vendor: SftpVendor
) -> None:
    long = cost_lines([cost_line(f"L{n}") for n in range(20_000)])
    vendor.files |= {"a.csv": File(WEEK), "b.csv": File(long)}
    feed = folder_of(film, vendor)
    looked(film, feed)
    vendor.breaks_after = 300_000
    run = looked(film, feed)
    assert (run.state, run.pages) == ("running", 1)
    assert list(imports(film)) == ["a.csv"]
    vendor.breaks_after = None
    run = tried(film, run)
    assert (run.state, run.pages) == ("done", 2)
    assert imports(film)["b.csv"][2] == long
    assert vendor.fetched == ["a.csv", "b.csv", "b.csv"]


def test_a_file_that_is_too_large_is_told_once_and_not_fetched(
    film: Film, vendor: SftpVendor
) -> None:
    vendor.files["huge.csv"] = File(b"", stated=50_000_000)
    feed = folder_of(film, vendor, most_bytes=1_000_000)
    looked(film, feed)
    run = looked(film, feed)
    assert "huge.csv: larger than 1,000,000 bytes" in run.words
    looked(film, feed)
    assert [one[0] for one in letters(film)] == ["E_FEED_SIZE"]
    assert vendor.fetched == []


def test_a_folder_that_is_not_there_is_said(film: Film, vendor: SftpVendor) -> None:
    run = looked(film, folder_of(film, vendor, folder="/elsewhere"))
    assert (run.state, "no folder /elsewhere" in run.words) == ("failed", True)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"host": "sftp.example.org"}, "host"),
        ({"host": "-oProxyCommand=x"}, "host"),
        ({"port": 0}, "port"),
        ({"auth": "none"}, "signing in"),
        ({"pattern": "../*.csv"}, "files"),
        ({"folder": ""}, "folder"),
        ({"user": "a\nb"}, "user"),
        ({"most_bytes": 0}, "largest file"),
        ({"host_key": ""}, "host key"),
        ({"host_key": "ssh-ed25519 AAAA"}, "host key"),
        ({"host_key": "SHA256:short"}, "host key"),
    ],
)
def test_terms_that_cannot_be_followed_are_refused(
    film: Film, vendor: SftpVendor, terms: dict[str, Any], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        folder_of(film, vendor, **terms)


def changed(film: Film, feed: Feed, terms: Any, secret: str = "") -> Feed:
    with role("web"), acting(film, "amir"):
        now = telling.feed_by_id(film.production, feed.pk)
        assert now is not None
        return feeds.change_terms(actor=film.cast["amir"], feed=now, terms=terms, secret=secret)


def test_terms_are_changed_and_what_both_bring_is_posted_once(
    film: Film, vendor: SftpVendor
) -> None:
    vendor.files["week1.txt"] = File(WEEK)
    feed = folder_of(film, vendor)
    changed(film, feed, terms_of(vendor, pattern="*"))
    looked(film, feed)
    looked(film, feed)
    assert imports(film)["week1.txt"][1] == 5
    changed(film, feed, terms_of(vendor, pattern="*.txt"))
    assert looked(film, feed).pages == 0
    assert len(imports(film)) == 1


def test_a_secret_is_not_shown_to_another_server_than_it_was_given_for(
    film: Film, vendor: SftpVendor
) -> None:
    feed = folder_of(film, vendor)
    for other in ({"host": "localhost"}, {"port": 2222}, {"user": "other"}, {"auth": "key"}):
        with pytest.raises(Invalid, match="secret"):
            changed(film, feed, terms_of(vendor, **other))
    with pytest.raises(Invalid, match="stays of its kind"):
        changed(film, feed, Terms("https://api.example.org/x", (("a", "a"),)))
    changed(film, feed, terms_of(vendor, host="localhost"), PASSWORD)
    assert looked(film, feed).state == "done"


@pytest.mark.parametrize(
    "change",
    ["name = 'x'", "source = 'journals'", 'terms = \'{"kind": "http"}\'', "made_by_id = 1"],
)
def test_the_database_keeps_a_feed_what_it_is(film: Film, vendor: SftpVendor, change: str) -> None:
    feed = folder_of(film, vendor)
    for name in ("web", "worker"):
        with (
            role(name), acting(film, "amir"), pytest.raises(DatabaseError),
            transaction.atomic(), connection.cursor() as cursor,
        ):  # fmt: skip
            cursor.execute(f"UPDATE ingestion_feed SET {change} WHERE id = %s", [feed.pk])
