"""The pages of overrides: asked for, signed on a page of one's own, and the next one opens."""

import json
import re
from collections.abc import Callable

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from ingestion.models import HeldRow
from ledger.attachments import withdraw
from overrides.models import Override
from overrides.signatures import from_web, web_base64
from taxonomy.models import CostNode
from tests.factories import acting, role
from tests.ingestion.test_payroll import ANN, imported, paid
from tests.overrides.signing import Signing
from tests.signing_in import sign_in

OPTIONS = re.compile(r'<script id="([\w-]+)" type="application/json">(.*?)</script>')


def asked_of(answer: object) -> dict[str, dict[str, object]]:
    """What a page asks the browser's keys for."""
    found = OPTIONS.findall(answer.content.decode())  # type: ignore[attr-defined]
    return {name: json.loads(text)["publicKey"] for name, text in found}


def credential(signing: Signing, name: str, challenge: str) -> str:
    """What passkey.js would send for a challenge."""
    said = json.loads(signing.devices[name].signs(from_web(challenge), 1))
    return json.dumps({
        "rawId": web_base64(name.encode()),
        "response": {"authenticatorData": said["auth"], "clientDataJSON": said["client"],
                     "signature": said["sig"]},
    })  # fmt: skip


def page(signing: Signing, name: str, to: str, **more: object) -> tuple[Client, object]:
    client = sign_in(Client(raise_request_exception=False), signing.person(name))
    where = reverse(to, args=[signing.film.code, *more.pop("at", ())])  # type: ignore[misc]
    return client, client.get(where, more)


def signs(signing: Signing, name: str, found: Override, **more: object) -> object:
    """Open an override, sign what its page asks for, and follow where it leads."""
    with role("web"):
        client, seen = page(signing, name, "override", at=[found.number], **more)
        assert seen.status_code == 200  # type: ignore[attr-defined]
        options = asked_of(seen)["sign-options"]
        fields = dict(re.findall(
            r'name="(decision|reason|back_to)" value="([^"]*)"',
            seen.content.decode(),  # type: ignore[attr-defined]
        ))  # fmt: skip
        sent = {**fields, "credential": credential(signing, name, str(options["challenge"]))}
        where = reverse("override_decide", args=[signing.film.code, found.number])
        return client.post(where, sent, follow=True)


def in_navigation(answer: object) -> str:
    """The count beside Overrides in the list of screens; '' where there is none."""
    text = answer.content.decode()  # type: ignore[attr-defined]
    found = re.search(r"<span>Overrides</span>(?: <span class=\"count\">.*?</span>(\d+))?", text)
    assert found is not None
    return found[1] or ""


def test_who_is_asked_signs_in_place_and_the_next_one_opens(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    first, second = signing.draw("10"), signing.draw("20")
    with role("web"):
        _, inbox = page(signing, "lena", "overrides")
    assert "What waits for you" in inbox.content.decode()  # type: ignore[attr-defined]
    assert in_navigation(inbox) == "2"
    answer = signs(signing, "lena", first)
    text = answer.content.decode()  # type: ignore[attr-defined]
    assert in_navigation(answer) == "1"
    assert "Signed: OVR-0001 approved, now requested." in text
    assert "<h1>OVR-0002" in text
    answer = signs(signing, "bea", first)
    assert "now approved" in answer.content.decode()  # type: ignore[attr-defined]
    assert signing.now(second).state == "requested"
    with role("web"):
        _, seen = page(signing, "amir", "override", at=[second.number])
        assert in_navigation(seen) == "", "who asked is not who decides"
        _, other = page(signing, "eve", "overrides")
        assert in_navigation(other) == "", "one more executive's signature brings nothing on"
    assert "You asked for it: others decide." in seen.content.decode()  # type: ignore[attr-defined]


def test_a_rejection_is_worded_and_then_signed(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    found = signing.draw("10")
    answer = signs(signing, "bea", found, reason="which scene?", back_to="support")
    text = answer.content.decode()  # type: ignore[attr-defined]
    assert "which scene? Ask again with a better reason or document." in text
    assert signing.now(found).state == "rejected"


def test_what_is_signed_wrongly_is_said_and_changes_nothing(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    found = signing.draw("10")
    where = reverse("override_decide", args=[signing.film.code, found.number])
    with role("web"):
        client = sign_in(Client(), signing.person("lena"))
        wrong = credential(signing, "lena", web_base64(b"x" * 32))
        for sent, said in ((wrong, "is not what is decided here"), ("", "Nothing was signed"),
                           ("{}", "Nothing was signed")):  # fmt: skip
            answer = client.post(where, {"decision": "approve", "credential": sent})
            assert answer.status_code == 409
            assert said in answer.content.decode()
    assert signing.now(found).state == "requested"


def test_an_accountant_asks_with_a_document(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    where = reverse("override_new", args=[signing.film.code])
    sent = {"kind": "contingency_draw", "day": "2026-01-14", "lines": "8001 -1,500.00\n3310 1500",
            "reason": "the tank failed", "clause": "4.2"}  # fmt: skip
    with role("web"):
        client = sign_in(Client(), signing.person("amir"))
        assert "choose the signed document" in client.post(where, sent).content.decode()
        file = SimpleUploadedFile("signed.txt", b"signed by all")
        answer = client.post(where, {**sent, "file": file}, follow=True)
        text = answer.content.decode()
        assert "OVR-0001 waits for its signers." in text
        assert re.search(r"Line producer \(Lena[^)]*\), Bond representative \(Bea[^)]*\)", text)
        bad = client.post(where, {**sent, "lines": "3310", "file": file})
        assert (bad.status_code, "two words a line" in bad.content.decode()) == (422, True)


def test_mandates_are_confirmed_on_their_page_with_a_key(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    proposed = signing.rules(most_btl="2000")
    where = reverse("signer_change", args=[signing.film.code])
    with role("web"):
        for name in ("lena", "bea"):
            client, seen = page(signing, name, "signers")
            options = asked_of(seen)[f"options-{proposed.number}"]
            sent = {"act": "confirm", "mandate": proposed.number,
                    "credential": credential(signing, name, str(options["challenge"]))}  # fmt: skip
            answer = client.post(where, sent, follow=True)
        assert "Confirmed: it is in force." in answer.content.decode()
        client, _ = page(signing, "amir", "signers")
        for sent in ({"act": "confirm", "mandate": "999"}, {"act": "revoke"}):
            assert client.post(where, sent).status_code == 404
        assert client.post(where, {"act": "x"}).status_code == 422
        refused = client.post(where, {"act": "enrol", "credential": "{}"})
        assert "No key was made" in refused.content.decode()


def test_who_signs_reads_the_document_until_it_is_withdrawn(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    found = signing.draw("10")
    where = reverse("override_document", args=[signing.film.code, found.number])
    with role("web"):
        for name in ("bea", "lena", "eve", "amir"):
            client, seen = page(signing, name, "override", at=[found.number])
            assert where in seen.content.decode()  # type: ignore[attr-defined]
            answer = client.get(where)
            assert (answer.status_code, answer.content) == (200, b"signed deal")
            assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert "attachment" in answer["Content-Disposition"], "text is not shown in its place"
        assert page(signing, "cho", "override_document", at=[found.number])[1].status_code == 404  # type: ignore[attr-defined]
        with acting(signing.film, "amir"):
            withdraw(actor=signing.person("amir"), attachment=found.attachment, reason="wrong page")
        bea, _ = page(signing, "bea", "overrides")
        assert bea.get(where).status_code == 404


def test_what_was_sent_back_is_asked_for_again_from_its_page_once(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    found = signing.draw("1500")
    signing.decides("bea", found, "reject", reason="which stage?", back_to="support")
    where = reverse("override_new", args=[signing.film.code])
    with role("web"):
        client, seen = page(signing, "amir", "override", at=[found.number])
        assert f"{where}?follows=1" in seen.content.decode()  # type: ignore[attr-defined]
        form = client.get(where, {"follows": "1"}).content.decode()
        assert "8001 -1,500.00\n3310 1,500.00" in form and "the storm took the set" in form
        other, theirs = page(signing, "lena", "override", at=[found.number])
        assert "?follows=" not in theirs.content.decode()  # type: ignore[attr-defined]
        assert other.get(where, {"follows": "1"}).status_code == 404
        sent = {"kind": "contingency_draw", "day": "2026-01-14", "lines": "8001 -1500\n3310 1500",
                "reason": "stage 4: see the report", "follows": "1",
                "file": SimpleUploadedFile("report.txt", b"stage 4")}  # fmt: skip
        again = client.post(where, sent, follow=True).content.decode()
        assert "OVR-0002 waits for its signers." in again
        assert "Asks again for" in again and "OVR-0001" in again
        before = client.get(reverse("override", args=[signing.film.code, 1])).content.decode()
        assert "Asked for again as" in before and f"{where}?follows=1" not in before
        assert client.get(where, {"follows": "1"}).status_code == 404
    signing.decides("lena", signing.draw("10"), "reject", reason="no", back_to="nowhere")
    with role("web"):
        assert client.get(where, {"follows": "3"}).status_code == 404


def test_a_line_producer_asks_with_a_document_for_what_needs_no_posting(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    where = reverse("override_new", args=[signing.film.code])
    sent = {"kind": "over_budget", "day": "2026-01-14", "lines": "3310 1500",
            "reason": "the tank failed"}  # fmt: skip
    with role("web"):
        client, form = page(signing, "lena", "override_new")
        shown = form.content.decode()  # type: ignore[attr-defined]
        assert 'value="over_budget"' in shown and 'value="reclassification"' not in shown
        empty = client.post(where, {**sent, "file": SimpleUploadedFile("tank.txt", b"")})
        assert empty.status_code == 422
        file = SimpleUploadedFile("tank.txt", b"signed by the producer")
        answer = client.post(where, {**sent, "file": file}, follow=True).content.decode()
        assert "OVR-0001 waits for its signers." in answer
        refused = client.post(
            where, {**sent, "kind": "late_posting", "file": SimpleUploadedFile("t", b"x")}
        )
        assert "is asked for by somebody who posts entries" in refused.content.decode()
        assert page(signing, "bea", "override_new")[1].status_code == 404  # type: ignore[attr-defined]


def test_a_held_row_is_asked_for_from_its_own_page(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    file = imported(signing.film, paid((*ANN[:-1], "1.00")))
    with role("owner"):
        row = HeldRow.objects.get(batch=file)
    with role("web"):
        client, seen = page(signing, "amir", "quarantined_row", at=[row.pk])
        there = f"?kind=validation_waiver&amp;row={file.pk}-1"
        assert there in seen.content.decode()  # type: ignore[attr-defined]
        _, form = page(
            signing, "amir", "override_new", kind="validation_waiver", row=f"{file.pk}-1"
        )
        text = form.content.decode()  # type: ignore[attr-defined]
        assert '<option value="validation_waiver" selected>' in text
        sent = {"kind": "validation_waiver", "day": "2026-01-14", "reason": "the bureau's slip"}
        where = reverse("override_new", args=[signing.film.code])
        for place, said in (("x", "its import and number"), (f"{file.pk}-9", "Not found")):
            paper = SimpleUploadedFile("letter.txt", b"they will correct it next week")
            answer = client.post(where, sent | {"row": place, "file": paper}, follow=True)
            assert said in answer.content.decode()
        paper = SimpleUploadedFile("letter.txt", b"they will correct it next week")
        answer = client.post(where, sent | {"row": f"{file.pk}-1", "file": paper}, follow=True)
        assert f"row 1 of import {file.pk}" in answer.content.decode()
        _, lena = page(signing, "lena", "override_new")
    assert "validation_waiver" not in lena.content.decode()  # type: ignore[attr-defined]


def test_a_cost_code_is_named_by_its_number(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    with role("owner"):
        node = CostNode.objects.get(
            production=signing.film.production, unit__code="MAIN", code="3310", flag=""
        )
    where = reverse("override_new", args=[signing.film.code])
    sent = {"kind": "over_budget", "day": "2026-01-14", "lines": "3310 5", "reason": "rain"}
    with role("web"):
        client, _ = page(signing, "amir", "overrides")
        for number, said in (("x", "Cost code: expected the number"), (str(node.pk), "MAIN/3310")):
            paper = SimpleUploadedFile("letter.txt", b"the tank failed")
            answer = client.post(where, sent | {"node": number, "file": paper}, follow=True)
            assert said in answer.content.decode()
