"""The budget's screens, from the upload to the lock and the changes after it."""

import re
from collections.abc import Callable

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.budgets.films import BUDGET, TOTAL, book, imported, locked
from tests.factories import Film

Browse = Callable[[str], Client]


def upload(client: Client, film: Film, text: str, **more: str) -> HttpResponse:
    file = SimpleUploadedFile("budget.txt", text.encode())
    return client.post(reverse("budget_upload", args=[film.code]), {"file": file, **more})


def text_of(response: HttpResponse) -> str:
    return re.sub(r"<[^>]+>", " ", response.content.decode())


def test_a_budget_goes_from_the_file_to_the_lock_by_two_people(film: Film, browse: Browse) -> None:
    amir, lena = browse("amir"), browse("lena")
    page = reverse("budget_version", args=[film.code, 1])
    lock = reverse("budget_lock", args=[film.code, 1])
    approve = reverse("budget_approve", args=[film.code, 1])
    assert upload(amir, film, BUDGET, name="Green light").headers["Location"] == page
    assert "Green light" in text_of(amir.get(reverse("budget", args=[film.code])))
    assert "Another person takes the next step" in text_of(amir.get(page))
    own = amir.post(approve)
    assert (own.status_code, "another person approves" in text_of(own)) == (409, True)
    assert lena.post(approve).headers["Location"] == page
    assert "After it nobody can change" in text_of(amir.get(page))
    assert lena.post(lock, {"total": TOTAL}).status_code == 302
    assert 'name="total"' not in lena.get(page).content.decode()
    assert 'name="total"' in amir.get(page).content.decode()
    wrong = amir.post(lock, {"total": "561,000.10"})
    assert (wrong.status_code, "found 561,000.1" in text_of(wrong)) == (422, True)
    assert book(film, 3) == {}
    assert amir.post(lock, {"total": TOTAL}).headers["Location"] == page
    assert book(film, 3)["3310"] == 50000
    assert "Locked" in text_of(lena.get(page))


def test_every_fault_of_a_file_is_a_row_of_the_page(film: Film, browse: Browse) -> None:
    answer = upload(browse("amir"), film, "Account\tTotal\n9999\t5\n3310\tmany\n")
    assert answer.status_code == 422
    assert [(f.line, f.column) for f in answer.context["faults"]] == [(3, "amount")]
    answer = upload(browse("amir"), film, "Account\tTotal\n9999\t5\n3310\t7\n8888\t1\n")
    assert [f.found for f in answer.context["faults"]] == ["9999", "8888"]
    assert "expected at most" not in text_of(answer)
    assert upload(browse("amir"), film, BUDGET, rate="x").status_code == 422


def test_two_versions_are_compared_by_account_and_by_side_of_the_line(
    film: Film, browse: Browse
) -> None:
    imported(film)
    imported(film, BUDGET.replace("90,000", "95,000").replace("51,000", "46,000"))
    page = browse("lena").get(reverse("budget_version", args=[film.code, 2]) + "?against=1")
    rows = [(d["code"] or d["name"], d["change"]) for d in page.context["differences"]]
    assert rows == [
        ("3301", "5,000.00"), ("8001", "(5,000.00)"), ("Above the line", "0.00"),
        ("Below the line", "0.00"), ("Total", "0.00"),
    ]  # fmt: skip
    url = reverse("budget_version", args=[film.code, 2])
    assert browse("lena").get(url + "?against=7").status_code == 404


def test_a_draw_is_asked_for_and_approved_on_the_screens(film: Film, browse: Browse) -> None:
    locked(film)
    amir, lena = browse("amir"), browse("lena")
    asked = {
        "kind": "draw", "day": "2026-01-14", "reason": "Water tank",
        "account-1": "8001", "amount-1": "-2000.00", "account-3": "3310", "amount-3": "1999.00",
    }  # fmt: skip
    request = reverse("budget_request", args=[film.code])
    refused = amir.post(request, asked)
    assert (refused.status_code, "net to -1" in text_of(refused)) == (422, True)
    assert 'value="Water tank"' in refused.content.decode()
    page = reverse("budget_change", args=[film.code, 1])
    assert amir.post(request, {**asked, "amount-3": "2000.00"}).headers["Location"] == page
    assert "another person decides" in text_of(amir.get(page))
    decide = reverse("budget_decide", args=[film.code, 1])
    assert amir.post(decide, {"decision": "approve"}).status_code == 409
    assert lena.post(decide, {"decision": "perhaps"}).status_code == 422
    assert lena.post(decide, {"decision": "approve"}).headers["Location"] == page
    assert book(film, 3)["8001"] == 49000
    shown = text_of(lena.get(reverse("budget", args=[film.code])))
    assert "49,000.00" in shown
    assert "Water tank" in shown
    for url in re.findall(r'href="([^"]*/transactions/[^"]*)"', lena.get(page).content.decode()):
        assert lena.get(url).status_code == 200


def test_a_request_can_be_rejected_and_stays_on_record(film: Film, browse: Browse) -> None:
    locked(film)
    asked = {"kind": "overage", "day": "2026-01-14", "reason": "More",
             "account-1": "3310", "amount-1": "5.00"}  # fmt: skip
    browse("amir").post(reverse("budget_request", args=[film.code]), asked)
    browse("lena").post(reverse("budget_decide", args=[film.code, 1]), {"decision": "reject"})
    assert "Rejected" in text_of(browse("amir").get(reverse("budget", args=[film.code])))
    assert book(film, 3)["3310"] == 50000
