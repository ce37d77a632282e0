"""Attachments on the screens: shown only as what they are, downloaded otherwise, and to nobody
who may not see the cost."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from ledger.models import PIECE_BYTES, Attachment
from tests.factories import Cast, Film, cost_line, cost_lines, import_data, make_film, role
from tests.ledger.exhibits import HTML, PDF, SCRIPT, SVG, attached, places, png, withdrawn

Browse = Callable[[str], Client]
SANDBOX = {"default-src 'none'", "sandbox"}


@pytest.fixture
def film(cast: Cast) -> Film:
    """A film with one cost of camera and one of art."""
    with role("owner"):
        made = make_film(cast)
    import_data(made, cost_lines([cost_line(1), cost_line(2, account="2220", center="ART")]))
    return made


@pytest.fixture(autouse=True)
def as_web(film: Film) -> Iterator[None]:
    with role("web"):
        yield


def page_of(film: Film, center: str = "CAM", name: str = "transaction") -> str:
    return reverse(name, args=[film.code, "{}-{}".format(*places(film)[center])])


def file_of(film: Film, attachment: Attachment) -> str:
    return reverse("attachment_file", args=[film.code, attachment.pk])


def card_of(film: Film, attachment: Attachment) -> str:
    return reverse("attachment", args=[film.code, attachment.pk])


def sent(name: str, data: bytes, kind: str = "receipt") -> dict[str, object]:
    return {"kind": kind, "file": SimpleUploadedFile(name, data, "image/png")}


def the_one(film: Film) -> Attachment:
    with role("owner"):
        return Attachment.objects.get(production=film.production)


def assert_inert(response: HttpResponse) -> None:
    assert set(response.headers["Content-Security-Policy"].split("; ")) == SANDBOX
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response.headers["Cache-Control"]


def assert_download(response: HttpResponse) -> None:
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment; filename")
    assert response.headers["X-Frame-Options"] == "DENY"
    assert_inert(response)


def test_a_file_is_attached_on_the_documents_page_and_opened_from_there(
    film: Film, browse: Browse
) -> None:
    client, page = browse("cho"), page_of(film)
    answer = client.post(page_of(film, name="attach"), sent("Reçu lens.png", png()))
    assert answer.status_code == 302
    assert answer.headers["Location"] == page + "#attachments"
    shown = client.get(page).content.decode()
    made = the_one(film)
    assert "Reçu lens.png" in shown
    assert card_of(film, made) in shown
    card = client.get(card_of(film, made))
    assert f'<img class="exhibit" src="{file_of(film, made)}"' in card.content.decode()
    file = client.get(file_of(film, made))
    assert file.content == png()
    assert file.headers["Content-Type"] == "image/png"
    assert file.headers["Content-Disposition"] == "inline; filename*=utf-8''Re%C3%A7u%20lens.png"
    assert file.headers["X-Frame-Options"] == "DENY"
    assert_inert(file)
    download = client.get(file_of(film, made) + "?download=1")
    assert download.content == png()
    assert_download(download)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("picture.png", HTML),
        ("picture.svg", SVG),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + HTML),
        ("page.html", HTML),
        ("page.xhtml", b"<?xml version='1.0'?>" + SVG),
        ("memo.pdf", b" " + PDF),
        ("macro.docm", b"PK\3\4" + SCRIPT),
    ],
)
def test_what_is_no_picture_or_page_is_only_a_download_whatever_it_is_called(
    film: Film, browse: Browse, name: str, data: bytes
) -> None:
    made = attached(film, "cho", data, name=name)
    for url in (file_of(film, made), file_of(film, made) + "?download=1"):
        file = browse("cho").get(url)
        assert file.content == data
        assert_download(file)
    card = browse("cho").get(card_of(film, made)).content.decode()
    assert 'class="exhibit"' not in card
    assert "only downloaded" in card


@pytest.mark.parametrize(
    "data",
    [png(SCRIPT), b"GIF89a/*" + SCRIPT + b"*/=1;", b"\xff\xd8\xff\xe0" + HTML, PDF + HTML],
)
def test_a_file_that_is_two_things_at_once_is_shown_as_the_harmless_one_in_a_sandbox(
    film: Film, browse: Browse, data: bytes
) -> None:
    made = attached(film, "cho", data, name="both.html")
    file = browse("cho").get(file_of(film, made))
    assert file.headers["Content-Type"] in {
        "image/png",
        "image/gif",
        "image/jpeg",
        "application/pdf",
    }
    assert_inert(file)


def test_a_pdf_stands_in_a_sandboxed_frame_that_only_our_own_page_may_hold(
    film: Film, browse: Browse
) -> None:
    made = attached(film, "cho")
    card = browse("cho").get(card_of(film, made))
    assert re.search(
        r'<iframe class="exhibit" sandbox loading="lazy" title="[^"]+" src="', card.content.decode()
    )
    policy = set(card.headers["Content-Security-Policy"].split("; "))
    assert {"frame-src 'self'", "default-src 'none'", "frame-ancestors 'none'"} <= policy
    assert "script-src 'self'" in policy
    file = browse("cho").get(file_of(film, made))
    assert file.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert_inert(file)
    other = browse("cho").get(page_of(film))
    assert "frame-src" not in other.headers["Content-Security-Policy"]


def test_a_range_of_the_bytes_is_answered_exactly(film: Film, browse: Browse) -> None:
    data = b"%PDF-" + bytes(n * 11 % 253 for n in range(PIECE_BYTES + 999))
    made = attached(film, "cho", data)
    client, url = browse("cho"), file_of(film, made)
    for asked, first, end in (
        ("bytes=0-4", 0, 5),
        (f"bytes={PIECE_BYTES - 3}-{PIECE_BYTES + 2}", PIECE_BYTES - 3, PIECE_BYTES + 3),
        ("bytes=-7", len(data) - 7, len(data)),
        (f"bytes={PIECE_BYTES}-", PIECE_BYTES, len(data)),
    ):
        part = client.get(url, headers={"range": asked})
        assert part.status_code == 206
        assert part.content == data[first:end]
        assert part.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(data)}"
        assert_inert(part)
    whole = client.get(url, headers={"range": "bytes=1-2,5-6"})
    assert (whole.status_code, whole.content) == (200, data)
    beyond = client.get(url, headers={"range": f"bytes={len(data)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(data)}"
    assert_inert(beyond)


def test_another_department_and_strangers_find_nothing(film: Film, browse: Browse) -> None:
    made = attached(film, "cho")
    nothing = Attachment(pk=987_654_321)
    for person in ("ada", "otto", "bea", "eve"):
        for url in (file_of, card_of):
            answer = browse(person).get(url(film, made))
            assert answer.status_code == 404
            assert b"receipt.pdf" not in answer.content
        post = browse(person).post(page_of(film, name="attach"), sent("x.png", png()))
        assert post.status_code == 404
        taken = browse(person).post(
            reverse("withdraw_attachment", args=[film.code, made.pk]), {"reason": "x"}
        )
        assert taken.status_code == 404
    for odd in (nothing, Attachment(pk=1 << 70)):
        assert browse("amir").get(file_of(film, odd)).status_code == 404
    assert the_one(film) == made


def test_a_line_producer_sees_it_and_may_not_withdraw_it(film: Film, browse: Browse) -> None:
    made = attached(film, "cho")
    url = reverse("withdraw_attachment", args=[film.code, made.pk])
    card = browse("lena").get(card_of(film, made)).content.decode()
    assert url not in card
    assert browse("lena").post(url, {"reason": "x"}).status_code == 404
    assert url in browse("cho").get(card_of(film, made)).content.decode()
    without = browse("cho").post(url, {"reason": " "})
    assert without.status_code == 422
    assert "reason: expected" in without.content.decode()
    assert browse("cho").post(url, {"reason": "Wrong lens"}).status_code == 302
    assert browse("amir").post(url, {"reason": "Again"}).status_code == 409
    page = browse("lena").get(page_of(film)).content.decode()
    assert "withdrawn: Wrong lens" in page
    for person in ("amir", "cho", "lena"):
        assert browse(person).get(file_of(film, made)).status_code == 404
        assert file_of(film, made) not in browse(person).get(card_of(film, made)).content.decode()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "receipt"}, "file: choose the receipt"),
        (sent("x", b""), "file: it is empty"),
        (sent("x", b"x", "virus"), "kind: expected one of"),
    ],
)
def test_a_refusal_is_said_on_the_documents_page(
    film: Film, browse: Browse, given: dict[str, object], said: str
) -> None:
    page = browse("cho").post(page_of(film, name="attach"), given)
    assert page.status_code == 422
    assert said in page.content.decode()


def test_what_belongs_to_no_cost_has_a_screen_for_those_who_import(
    film: Film, browse: Browse
) -> None:
    url = reverse("attachments", args=[film.code])
    client = browse("amir")
    assert client.get(url).status_code == 200
    missing = client.post(url, sent("memo.pdf", PDF, "deal memo"))
    assert missing.status_code == 422
    assert "what it supports" in missing.content.decode()
    made = client.post(url, {**sent("memo.pdf", PDF, "deal memo"), "target": "Star, 12 weeks"})
    assert made.status_code == 302
    page = client.get(url).content.decode()
    assert "Star, 12 weeks" in page
    assert "Deal memo" in page
    assert browse("cho").get(url).status_code == 404
    assert browse("cho").get(file_of(film, the_one(film))).status_code == 404


@pytest.mark.parametrize("name", ["attach", "attachments"])
def test_a_body_over_the_limit_is_refused_before_any_of_it_is_on_disk(
    film: Film, browse: Browse, settings, tmp_path: Path, name: str
) -> None:  # type: ignore[no-untyped-def]
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    url = page_of(film, name="attach") if name == "attach" else reverse(name, args=[film.code])
    size = django_settings.MAX_ATTACHMENT_BYTES + 200_000

    class Unread:
        """A body that must not be asked for."""

        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

        readline = read

    answer = browse("amir").generic(
        "POST", url, b"", content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(size), **{"wsgi.input": Unread()},
    )  # fmt: skip
    assert answer.status_code == 413
    assert "larger than 26,214,400 bytes" in answer.content.decode()
    assert list(tmp_path.iterdir()) == []


def test_an_import_may_be_larger_than_an_attachment(film: Film, browse: Browse) -> None:
    assert django_settings.MAX_FILE_BYTES > django_settings.MAX_ATTACHMENT_BYTES
    from django.test import RequestFactory

    from access.middleware import too_large

    request = RequestFactory().post(reverse("imports", args=[film.code]))
    request.META["CONTENT_LENGTH"] = str(django_settings.MAX_ATTACHMENT_BYTES * 2)
    request.user = film.cast["amir"]
    assert too_large(request) is None
    request.path_info = "/no/such/address/"
    assert too_large(request) is None


def test_a_withdrawn_picture_is_not_even_framed(film: Film, browse: Browse) -> None:
    made = attached(film, "cho", png())
    withdrawn(film, made)
    card = browse("cho").get(card_of(film, made)).content.decode()
    assert 'class="exhibit"' not in card
    assert "Withdrawn by Amir" in card
