"""Feeds over the web: adding an API or a folder, and changing their terms."""

from collections.abc import Callable

import paramiko
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from alerts.models import Secret
from ingestion.tables.feeds import Feed
from tests.factories import Film, role

Browse = Callable[[str], Client]
HOST_KEY = paramiko.ECDSAKey.generate()
SFTP = {
    "kind": "sftp", "name": "Payroll folder", "source": "cost-lines", "unit": "MAIN",
    "host": "sftp.example.org", "user": "nf", "folder": "/out", "pattern": "*.csv",
    "host_key": f"{HOST_KEY.get_name()} {HOST_KEY.get_base64()}", "secret": "geheim",
}  # fmt: skip
HTTP = {
    "name": "Costs", "source": "cost-lines", "unit": "MAIN", "auth": "header",
    "url": "https://api.example.org/costs", "header": "Authorization", "secret": "geheim",
    "columns": "vendor = payee.name\r\namount = amount", "paging": "page", "parameter": "page",
    "start": "3",
}  # fmt: skip


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        settings, "OUTBOUND_HOSTS", frozenset({"sftp.example.org", "api.example.org"})
    )


def added(client: Client, film: Film, sent: dict[str, str]) -> Feed:
    answer = client.post(reverse("feeds", args=[film.code]), sent)
    assert answer.status_code == 302, answer.content.decode()
    with role("owner"):
        return Feed.objects.get(production=film.production, name=sent["name"])


def test_a_folder_is_added_and_shown_without_its_secret(film: Film, browse: Browse) -> None:
    client = browse("amir")
    feed = added(client, film, SFTP)
    assert feed.terms["kind"] == "sftp"
    page = client.get(reverse("feeds", args=[film.code])).content.decode()
    assert "sftp.example.org" in page and "SFTP folder" in page
    terms = client.get(reverse("feed", args=[film.code, feed.pk])).content.decode()
    assert 'value="/out"' in terms and SFTP["host_key"] in terms
    assert "geheim" not in page + terms


def test_what_is_wrong_with_a_folder_is_said_and_what_was_sent_stays(
    film: Film, browse: Browse
) -> None:
    answer = browse("amir").post(
        reverse("feeds", args=[film.code]), {**SFTP, "host_key": "trust me"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "do not take it from the server itself" in page and 'value="/out"' in page
    assert "geheim" not in page


@pytest.mark.parametrize(
    ("first", "changes", "kept"),
    [
        (SFTP, {"pattern": "*.txt", "most_megabytes": "7"},
         {"pattern": "*.txt", "most_bytes": 7_000_000}),
        (HTTP, {"start": "9", "every_minutes": "15"}, {"start": "9", "auth": "header"}),
    ],
)  # fmt: skip
def test_terms_are_changed_with_the_form_that_shows_them(
    film: Film, browse: Browse, first: dict[str, str], changes: dict[str, str], kept: dict[str, str]
) -> None:
    client = browse("amir")
    feed = added(client, film, first)
    url = reverse("feed", args=[film.code, feed.pk])
    sent = {**first, "secret": "", "name": "another", "source": "journals", **changes}
    assert client.post(url, sent).status_code == 302
    with role("owner"):
        feed.refresh_from_db()
        assert Secret.objects.filter(subject_id=feed.pk, kind="feed").count() == 1
    assert {name: feed.terms[name] for name in kept} == kept
    assert (feed.name, feed.source) == (first["name"], "cost-lines")
    assert feed.every_minutes == int(changes.get("every_minutes", "60"))


def test_another_host_needs_the_secret_anew(film: Film, browse: Browse) -> None:
    client = browse("amir")
    feed = added(client, film, HTTP)
    url = reverse("feed", args=[film.code, feed.pk])
    sent = {**HTTP, "secret": "", "url": "https://sftp.example.org/costs"}
    answer = client.post(url, sent)
    assert answer.status_code == 422
    assert "give it anew" in answer.content.decode()
    assert client.post(url, {**sent, "secret": "another"}).status_code == 302


def test_terms_are_nobody_else_s(film: Film, other_film: Film, browse: Browse) -> None:
    feed = added(browse("amir"), film, HTTP)
    for person in ("lena", "cho", "bea", "otto"):
        assert browse(person).get(reverse("feed", args=[film.code, feed.pk])).status_code == 404
    elsewhere = reverse("feed", args=[other_film.code, feed.pk])
    assert browse("amir").post(elsewhere, HTTP).status_code == 404
