"""Alerts: a flood is one, they reach the right people once an hour, and say no figures."""

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from access.errors import Invalid
from alerts import kinds, services
from alerts import selectors as told
from alerts.models import Notice
from ingestion import inbox, selectors, waiting, work
from ingestion.alerting import alerts, telling
from ingestion.models import ImportBatch, WorkItem
from tests.factories import Cast, Film, acting, cost_line, cost_lines, make_film, role
from tests.ingestion.books import do_the_work
from tests.ingestion.vendor import COLUMNS, Vendor, rows, serving
from tests.signing_in import sign_in

SECRET = "a secret of the receiver"


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    with role("owner"):
        return make_film(cast)


@pytest.fixture(autouse=True)
def outside(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(settings, "OUTBOUND_LOOPBACK", True)
    monkeypatch.setattr(settings, "ALERT_MAIL", True)
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
    mail.outbox = []
    with role("worker"):
        yield


def flood(film: Film, times: int, source: str = "cost-lines") -> None:
    for _ in range(times):
        with acting(film, "amir"):
            services.raise_alert(production=film.production, kind="call", source=source)


def notices(film: Film, channel: str) -> list[Notice]:
    with acting(film, "amir"):
        return list(Notice.objects.filter(channel=channel, production=film.production)
                    .order_by("pk"))  # fmt: skip


def sent(film: Film, notice: Notice) -> WorkItem:
    """A worker takes the message up, its time having come."""
    with acting(film, "amir"):
        item = selectors.work_of("notice", [notice.pk]).get()
    with role("owner"):
        WorkItem.objects.filter(pk=item.pk).update(run_after=item.run_after.replace(year=2020))
    work.drain(only=item.pk)
    return WorkItem.objects.get(pk=item.pk)


def test_a_flood_is_one_alert_and_one_message_an_hour(film: Film) -> None:
    flood(film, 30)
    with acting(film, "amir"):
        (alert,) = told.alerts(film.production)
    assert (alert.kind, alert.count) == ("call", 30)
    (first,) = notices(film, "mail")
    sent(film, first)
    assert [m.to for m in mail.outbox] == [["amir@example.org"]], "those who import, nobody else"
    (message,) = mail.outbox
    assert message.subject == f"[{film.code}] A vendor's API refuses or misleads us (30)"
    assert str(first.key) in message.extra_headers["Message-ID"]
    flood(film, 5)
    flood(film, 5)
    _, second = notices(film, "mail")
    with acting(film, "amir"):
        waits = selectors.work_of("notice", [second.pk]).get().run_after
        first = told.notice_by_id(film.production.pk, first.pk)
    assert first.sent_at is not None
    assert (waits - first.sent_at).total_seconds() == kinds.of("call").quiet_seconds
    sent(film, second)
    assert mail.outbox[1].subject.endswith("(40)")
    assert mail.outbox[1].extra_headers["Message-ID"] != message.extra_headers["Message-ID"]


def test_each_person_reads_for_themselves_and_a_closed_alert_comes_anew(cast: Cast) -> None:
    with role("owner"):
        film = make_film(cast)
    flood(film, 2)
    amir = film.cast["amir"]
    with role("web"), acting(film, "amir"):
        (alert,) = told.alerts(film.production)
        assert told.unread_alerts(film.production, amir) == 1
        services.mark_read(actor=amir, alert=alert)
        assert told.unread_alerts(film.production, amir) == 0
        assert told.unread_alerts(film.production, film.cast["lena"]) == 1
    flood(film, 1)
    with role("web"), acting(film, "amir"):
        (alert,) = told.alerts(film.production)
        assert told.unread_alerts(film.production, amir) == 1
        services.mark_read(actor=amir, alert=alert)
        services.close_alert(actor=amir, alert=alert)
    flood(film, 1)
    with acting(film, "amir"):
        assert sorted(a.count for a in told.alerts(film.production)) == [1, 3]


def hooked(film: Film, vendor: Vendor, path: str) -> None:
    with role("web"), acting(film, "amir"):
        services.set_hook(
            actor=film.cast["amir"], production=film.production, url=vendor.url(path),
            secret=SECRET,
        )  # fmt: skip


def test_a_webhook_is_signed_keyed_and_tried_again_under_the_same_key(
    cast: Cast, vendor: Vendor
) -> None:
    with role("owner"):
        film = make_film(cast)
    hooked(film, vendor, "/hook")
    vendor.faults["/hook"] = ["500", "drop"]
    flood(film, 3)
    (notice,) = notices(film, "webhook")
    states = [sent(film, notice).state for _ in range(3)]
    assert states == ["ready", "ready", "done"]
    keys = {h["Idempotency-Key"] for h in vendor.headers}
    assert keys == {str(notice.key)}
    body, said = vendor.bodies[-1], vendor.headers[-1]["Prodacct-Signature"]
    moment, _, found = said.partition(",v1=")
    wanted = hmac.new(SECRET.encode(), f"{moment[2:]}.".encode() + body, hashlib.sha256)
    assert hmac.compare_digest(found, wanted.hexdigest())
    told = json.loads(body)
    assert set(told) == {"id", "production", "kind", "source", "what", "count", "first_at",
                         "last_at"}  # fmt: skip
    assert (told["count"], told["production"]) == (3, film.code)
    assert sent(film, notice).state == "done"
    assert len(vendor.bodies) == 3, "what was sent is not sent again"


def test_a_message_that_cannot_be_sent_is_given_up_and_floods_nobody(
    cast: Cast, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with role("owner"):
        film = make_film(cast)
    monkeypatch.setattr(settings, "ALERT_MAIL", False)
    monkeypatch.setattr(alerts, "MOST_TRIES", 1)
    monkeypatch.setattr(work, "MOST_FAILURES", 1)
    hooked(film, vendor, "/dead")
    vendor.faults["/dead"] = ["500"] * 9
    flood(film, 1)
    (notice,) = notices(film, "webhook")
    with pytest.raises(alerts.NotTold):
        sent(film, notice)
    with acting(film, "amir"):
        (letter,) = waiting.open_letters(film.production)
        assert {a.kind for a in told.alerts(film.production)} == {"call", "work"}
    assert (letter.kind, letter.label) == ("work", "a message about an alert")
    assert notices(film, "webhook") == [notice], "no message about a message"


@pytest.mark.parametrize(
    ("url", "secret", "why"),
    [("https://evil.example.org/x", SECRET, "a host of the list"),
     ("http://169.254.169.254/x", SECRET, "expected https"),
     ("http://127.0.0.1:1/x", "short", "at least 16")],
)  # fmt: skip
def test_a_webhook_leads_only_where_the_installation_lets_it(
    film: Film, url: str, secret: str, why: str
) -> None:
    with role("web"), acting(film, "amir"), pytest.raises(Invalid, match=why):
        services.set_hook(
            actor=film.cast["amir"], production=film.production, url=url, secret=secret
        )


def test_the_screens_set_a_feed_and_a_webhook_and_show_what_is_unread(
    film: Film, vendor: Vendor
) -> None:
    vendor.page("/screen", rows("sc", 0, 1))
    flood(film, 1, source="vendor-invoices")
    here = f"/p/{film.code}"
    with role("web"):
        client = Client(raise_request_exception=False, SERVER_NAME="localhost")
        sign_in(client, film.cast["amir"])
        shown = client.get(f"{here}/alerts/").content.decode()
        assert "Vendor invoices" in shown
        assert "not read" in shown
        asked: dict[str, Any] = {
            "name": "Screened", "source": "cost-lines", "unit": "MAIN",
            "url": vendor.url("/screen"), "auth": "header", "header": "X-Key", "secret": SECRET,
            "rows": "data.items", "columns": "\n".join(f"{c} = {p}" for c, p in COLUMNS.items()),
        }  # fmt: skip
        assert client.post(f"{here}/feeds/", {**asked, "columns": "amount"}).status_code == 422
        assert client.post(f"{here}/feeds/", asked).status_code == 302
        assert client.post(f"{here}/feeds/", asked).status_code == 422
        shown = client.get(f"{here}/feeds/").content.decode()
        assert "Screened" in shown
        assert SECRET not in shown
    with acting(film, "amir"):
        (feed,) = telling.feeds(film.production)
    with role("web"):
        step = f"{here}/feeds/{feed.pk}/"
        assert client.post(step, {"step": "run"}).status_code == 302
        assert client.post(step, {"step": "run"}).status_code == 422
        assert client.post(step, {"step": "secret", "secret": SECRET + "2"}).status_code == 302
        assert client.post(step, {"step": "stop"}).status_code == 302
        hook = {"url": vendor.url("/hook"), "secret": SECRET}
        assert client.post(f"{here}/alerts/webhook/", hook).status_code == 302
        assert client.post(f"{here}/alerts/webhook/", {**hook, "url": "x"}).status_code == 422
        with acting(film, "amir"):
            numbers = [a.pk for a in told.alerts(film.production)]
        for number in numbers:
            read = {"alert": str(number), "action": "read"}
            assert client.post(f"{here}/alerts/", read).status_code == 302
        assert "not read" not in client.get(f"{here}/alerts/").content.decode()
    with acting(film, "amir"):
        run = telling.last_run(feed)
        assert run is not None
        item = selectors.work_of("feed", [run.pk]).get()
    work.drain(only=item.pk)
    assert vendor.headers[-1]["X-Key"] == SECRET + "2"


def test_files_in_the_inbox_are_taken_in_once_they_lie_still(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INBOX", str(tmp_path))
    here = tmp_path / film.code / "cost-lines"
    here.mkdir(parents=True)
    outside = tmp_path.parent / "outside.csv"
    outside.write_bytes(cost_lines([cost_line("LINK")]))
    (here / "link.csv").symlink_to(outside)
    (tmp_path / film.code / "pex-cards").symlink_to(tmp_path.parent)
    (here / "half.csv.part").write_bytes(b"x")
    (here / "fresh.csv").write_bytes(cost_lines([cost_line("FRESH")]))
    for name in ("still.csv", "again.csv"):
        (here / name).write_bytes(cost_lines([cost_line("STILL")]))
        os.utime(here / name, (1, 1))
    os.utime(here / "half.csv.part", (1, 1))
    monkeypatch.setattr(settings, "MAX_FILE_BYTES", 5_000)
    (here / "huge.csv").write_bytes(b"x" * 6_000)
    os.utime(here / "huge.csv", (1, 1))
    assert inbox.take_in() == 2
    assert inbox.take_in() == 0
    left = sorted(p.name for p in here.iterdir())
    assert left == ["done", "failed", "fresh.csv", "half.csv.part", "link.csv"]
    assert sorted(p.name for p in (here / "done").iterdir()) == [
        "1000000000-again.csv", "1000000000-still.csv",
    ]  # fmt: skip
    failed = sorted((here / "failed").iterdir())
    assert "larger than 5,000 bytes" in failed[1].read_text()
    with acting(film, "amir"):
        (alert,) = told.alerts(film.production).filter(kind="inbox")
    assert (alert.source, alert.count) == ("cost-lines", 1), "the team is told of the refused file"
    with acting(film, "amir"):
        batches = ImportBatch.objects.filter(production=film.production, created_by__name="Console")
        assert [b.file_name for b in batches] == ["again.csv"], "the same bytes are one import"


def test_the_team_reads_of_a_refused_file_where_its_reason_lies(
    film: Film, browse: Callable[[str], Client]
) -> None:
    with role("worker"), acting(film, "amir"):
        services.raise_alert(production=film.production, kind="inbox", source="pex-cards")
    do_the_work(film)
    said = [m.body for m in mail.outbox if "inbox" in m.subject]
    assert said
    assert "its folder's `failed`" in said[0] and "Dead letters" not in said[0]
    page = browse("amir").get(reverse("alerts", args=[film.code])).content.decode()
    assert "Files put into the inbox were refused" in page
    assert "with the reason in a text file beside it" in page
