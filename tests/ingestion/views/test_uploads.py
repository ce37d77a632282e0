"""Sending a file in pieces over the web, as the page's script and a plain form do."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ingestion.models import ImportBatch
from ingestion.tables.uploads import Upload
from tests.factories import Film, cost_line, cost_lines, import_data, role

Browse = Callable[[str], Client]
DATA = cost_lines([cost_line(n) for n in range(1, 30)])


def begin(client: Client, film: Film, data: bytes = DATA, **other: object) -> Any:
    sent = {
        "name": "costs.csv", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
        "source": "cost-lines", "unit": "MAIN", **other,
    }  # fmt: skip
    return client.post(reverse("upload_begin", args=[film.code]), sent)


def piece(client: Client, url: str, data: bytes, offset: object) -> Any:
    return client.post(
        url, data, content_type="application/octet-stream", headers={"Upload-Offset": str(offset)}
    )


FINISH = {"step": "finish", "source": "cost-lines", "unit": "MAIN"}


def test_a_file_goes_up_in_pieces_and_becomes_an_import(film: Film, browse: Browse) -> None:
    client = browse("amir")
    opened = begin(client, film).json()
    assert (opened["state"], opened["offset"]) == ("open", 0)
    assert piece(client, opened["url"], DATA[:600], 0).json() == {"state": "open", "offset": 600}
    assert begin(client, film).json()["offset"] == 600
    assert piece(client, opened["url"], DATA[600:], 600).json()["offset"] == len(DATA)
    done = client.post(opened["end"], FINISH).json()
    assert done["state"] == "received"
    page = client.get(done["url"])
    assert hashlib.sha256(DATA).hexdigest() in page.content.decode()
    here = begin(client, film).json()
    assert here["state"] == "here"
    assert here["words"].startswith("Received on ") and "by Amir as batch " in here["words"]


def test_what_was_received_before_is_said_without_a_byte_being_sent(
    film: Film, browse: Browse
) -> None:
    batch = import_data(film, DATA)
    said = begin(browse("amir"), film).json()
    assert said["url"] == reverse("import_detail", args=[film.code, batch.pk]) + "?repeat=1"
    with role("owner"):
        assert ImportBatch.objects.filter(production=film.production).count() == 1


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"size": "many"}, 422, "number of bytes"),
        ({"size": "9" * 18}, 413, "larger than"),
        ({"sha256": "zz"}, 422, "SHA-256"),
        ({"source": "no-such"}, 422, "source"),
        ({"unit": "NOWHERE"}, 422, "unit"),
        ({"bank_account": "1"}, 422, "bank account"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_it_is_sent(
    film: Film, browse: Browse, sent: dict[str, str], status: int, words: str
) -> None:
    answer = begin(browse("amir"), film, **sent)
    assert answer.status_code == status
    assert answer.json()["state"] == "refused"
    assert words in answer.json()["words"]


def test_a_piece_at_another_place_is_told_the_right_one(film: Film, browse: Browse) -> None:
    client = browse("amir")
    opened = begin(client, film).json()
    piece(client, opened["url"], DATA[:100], 0)
    for offset in (0, 200):
        answer = piece(client, opened["url"], b"x", offset)
        assert (answer.status_code, answer.json()["offset"]) == (409, 100)
    assert piece(client, opened["url"], b"x", "-1").status_code == 422
    assert piece(client, opened["url"], b"x", "").status_code == 422
    assert piece(client, opened["url"], bytes(8 * 1024 * 1024 + 1), 100).status_code == 413
    assert piece(client, opened["url"], DATA, 100).status_code == 422
    early = client.post(opened["end"], FINISH)
    assert (early.status_code, early.json()["offset"]) == (409, 100)


def test_altered_bytes_are_named_and_not_kept(film: Film, browse: Browse) -> None:
    client = browse("amir")
    opened = begin(client, film).json()
    piece(client, opened["url"], bytes(len(DATA)), 0)
    answer = client.post(opened["end"], FINISH)
    assert (answer.status_code, answer.json()["state"]) == (200, "wrong")
    assert hashlib.sha256(DATA).hexdigest() in answer.json()["words"]
    assert begin(client, film).json()["offset"] == 0
    with role("owner"):
        states = Upload.objects.filter(production=film.production).order_by("pk")
        assert [u.state for u in states] == ["wrong", "open"]


def test_the_page_shows_what_is_unfinished_and_a_plain_form_gives_it_up(
    film: Film, browse: Browse
) -> None:
    client = browse("amir")
    opened = begin(client, film).json()
    piece(client, opened["url"], DATA[:700], 0)
    page = client.get(reverse("imports", args=[film.code])).content.decode()
    assert "Unfinished uploads" in page and f"({70000 // len(DATA)} %)" in page
    gone = client.post(opened["end"], {"step": "cancel"})
    assert gone.headers["Location"] == reverse("imports", args=[film.code])
    assert b"Unfinished uploads" not in client.get(gone.headers["Location"]).content
    assert piece(client, opened["url"], DATA[700:], 700).status_code == 409


def test_nobody_goes_on_with_another_person_s_upload(
    film: Film, other_film: Film, browse: Browse
) -> None:
    opened = begin(browse("amir"), film).json()
    for person in ("lena", "cho", "bea", "otto"):
        client = browse(person)
        assert begin(client, film).status_code == 404
        assert piece(client, opened["url"], DATA, 0).status_code == 404
        assert client.post(opened["end"], {"step": "cancel"}).status_code == 404
    elsewhere = opened["url"].replace(film.code, other_film.code)
    assert piece(browse("amir"), elsewhere, DATA, 0).status_code == 404
