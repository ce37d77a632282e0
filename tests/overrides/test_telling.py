"""Those who sign are told of overrides at once, each thing once, together, and nobody else is."""

import json
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from alerts import selectors as told
from alerts import sending, services
from alerts.models import Notice
from overrides.carrying import Asked
from tests.budgets.films import DAY
from tests.factories import acting, role
from tests.ingestion.books import do_the_work
from tests.ingestion.vendor import serving
from tests.ledger.raw_batches import query
from tests.overrides.signing import Signing, move_clock
from tests.purchasing.office import office

ORIGIN = "https://books.example.org"


@pytest.fixture(autouse=True)
def outside(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(settings, "OUTBOUND_LOOPBACK", True)
    monkeypatch.setattr(settings, "ALERT_MAIL", True)
    monkeypatch.setattr(settings, "CSRF_TRUSTED_ORIGINS", [ORIGIN])
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
    mail.outbox = []
    return


def sent(signing: Signing) -> list[tuple[str, list[str]]]:
    """The messages a worker sends now, a minute later or more: (subject, to whom)."""
    with role("owner"):
        query(
            "UPDATE ingestion_workitem SET run_after = '2020-01-01' WHERE kind = 'notice'"
            " AND state = 'ready' AND production_id = %s RETURNING 1", signing.film.production.pk,
        )  # fmt: skip
    mail.outbox = []
    with role("worker"):
        do_the_work(signing.film)
    return [(m.subject, m.to) for m in mail.outbox]


def open_alerts(signing: Signing, name: str = "bea") -> list[tuple[str, str, int]]:
    with role("web"), acting(signing.film, name):
        rows = told.alerts(signing.film.production).filter(closed_at__isnull=True)
        return sorted((a.source, a.kind, a.count) for a in rows)


def test_everything_that_becomes_of_an_override_is_told_once_to_those_who_sign(
    signing: Signing,
) -> None:
    code, found = signing.film.code, signing.draw("1000")
    assert [signing.tells(), signing.tells()] == [1, 0]
    assert sorted(sent(signing)) == [
        (f"[{code}] OVR-0001: Override asked for (1)", [f"{name}@example.org"])
        for name in ("amir", "bea", "lena")
    ]
    assert f"{ORIGIN}/p/{code}/overrides/1/" in mail.outbox[0].body
    assert sent(signing) == [], "what was sent is not sent again"
    signing.decides("lena", found)
    signing.decides("bea", found)
    assert signing.tells() == 2
    assert open_alerts(signing) == [("OVR-0001", "signed", 2)]
    signing.works()
    signing.decides("amir", signing.now(found), "ratify")
    signing.decides("lena", signing.now(found), "ratify")
    assert signing.tells() == 3
    assert open_alerts(signing) == [("OVR-0001", "ratified", 2)]
    ((subject, _), *_) = sent(signing)
    assert subject.endswith("Override signed (2) and 2 more"), "together, in one message each"
    assert len(mail.outbox) == 3
    assert "Override carried out" in mail.outbox[0].body


def test_what_nobody_ratifies_is_told_before_its_time_is_over_and_when_it_is_taken_back(
    signing: Signing,
) -> None:
    found, refused = signing.executed(signing.draw("10")), signing.draw("20")
    signing.decides("bea", refused, "reject", reason="which?", back_to="support")
    signing.tells()
    assert open_alerts(signing) == [("OVR-0001", "executed", 1), ("OVR-0002", "refused", 1)]
    move_clock(found, "ratify_by", 3600 * 19)
    assert signing.tells() == 0, "72 hours to ratify: not before the last 18"
    move_clock(found, "ratify_by", 3600 * 17)
    assert [signing.tells(), signing.tells()] == [1, 0]
    assert ("OVR-0001", "due", 1) in open_alerts(signing)
    move_clock(found, "ratify_by")
    assert signing.works() == 1
    late = signing.draw("30")
    move_clock(late, "expires_at")
    signing.works()
    signing.tells()
    assert open_alerts(signing) == [
        ("OVR-0001", "reverted", 1), ("OVR-0002", "refused", 1), ("OVR-0003", "expired", 1),
    ]  # fmt: skip


def test_what_cannot_be_taken_back_is_told_until_it_is_once_a_day(signing: Signing) -> None:
    desk = office(signing.film)
    order = desk.opened()
    found = signing.executed(signing.asks(Asked("over_po", DAY, (("3310", "250"),), order.number)))
    signing.tells()
    with desk.acts() as amir:
        from purchasing import orders

        now = orders.selectors.order_by_number(signing.film.production, order.number)
        assert now is not None
        orders.close_order(actor=amir, order=now, day=DAY, reason="delivered")
    move_clock(found, "ratify_by")
    assert [signing.works(), signing.works()] == [0, 0]
    assert signing.now(found).state == "executed"
    assert open_alerts(signing) == [("OVR-0001", "stuck", 1)]
    with role("owner"):
        query("ALTER TABLE overrides_told DISABLE TRIGGER USER")
        query("UPDATE overrides_told SET number = number - 1 WHERE kind = 'stuck' RETURNING 1")
        query("ALTER TABLE overrides_told ENABLE TRIGGER USER")
    signing.works()
    assert open_alerts(signing) == [("OVR-0001", "stuck", 2)]


def test_a_webhook_is_told_of_all_that_waits_and_intake_stays_the_accountants(
    signing: Signing,
) -> None:
    amir = signing.person("amir")
    with serving() as vendor:
        with role("web"), acting(signing.film, "amir"):
            services.set_hook(
                actor=amir, production=signing.film.production, url=vendor.url("/hook"),
                secret="a secret of the receiver",
            )  # fmt: skip
        for amount in ("10", "20", "30"):
            signing.draw(amount)
        with role("worker"), acting(signing.film, "amir"):
            services.raise_alert(production=signing.film.production, kind="call", source="x")
        signing.tells()
        sent(signing)
        bodies = [json.loads(body) for body in vendor.bodies]
    grouped = [b for b in bodies if b["kind"] == "asked"]
    assert [b["source"] for b in grouped] == ["OVR-0001"]
    assert [more["source"] for more in grouped[0]["more"]] == ["OVR-0002", "OVR-0003"]
    assert [b["kind"] for b in bodies if b not in grouped] == ["call"]
    to_all = [m for m in mail.outbox if "Override" in m.subject]
    assert sorted(m.to[0] for m in to_all) == [f"{n}@example.org" for n in ("amir", "bea", "lena")]
    with role("worker"), acting(signing.film, "amir"):
        assert not Notice.objects.filter(sent_at__isnull=True).exists()
    assert len(open_alerts(signing)) == 3
    assert len(open_alerts(signing, "amir")) == 4


def test_the_oldest_leads_under_its_key_whichever_a_worker_takes_up(signing: Signing) -> None:
    for amount in ("10", "20"):
        signing.draw(amount)
    signing.tells()
    mail.outbox = []
    with role("worker"):
        with acting(signing.film, "amir"):
            first, last = Notice.objects.filter(channel="mail").order_by("pk")
        sending.send_notice(notice_id=last.pk, production_id=signing.film.production.pk)
    assert {m.subject.partition("] ")[2] for m in mail.outbox} == {
        "OVR-0001: Override asked for (1) and 1 more"
    }
    assert all(str(first.key) in m.extra_headers["Message-ID"] for m in mail.outbox)


def test_the_guarantor_reads_it_on_the_screen_and_a_department_head_is_told_nothing(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    signing.draw("10")
    signing.tells()
    where = reverse("alerts", args=[signing.film.code])
    with role("web"):
        client = browse("bea")
        page = client.get(where).content.decode()
        assert reverse("override", args=[signing.film.code, 1]) in page
        assert "OVR-0001" in page and "Set the webhook" not in page
        assert '<span class="unseen"> not read</span>' in page
        with acting(signing.film, "bea"):
            (alert,) = told.alerts(signing.film.production)
        closing = client.post(where, {"alert": alert.pk, "action": "close"})
        assert closing.status_code == 422
        assert client.post(where, {"alert": alert.pk, "action": "read"}).status_code == 302
        assert '<span class="unseen"> not read</span>' not in client.get(where).content.decode()
        head = browse("cho").get(where).content.decode()
        assert "OVR-0001" not in head
        assert browse("cho").post(where, {"alert": alert.pk, "action": "read"}).status_code == 404
