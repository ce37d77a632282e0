"""The pages on which people enrol a fallback key, confirm one, and sign by code and pass phrase."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse

from overrides.models import Override
from readlog.attempt_tables import Attempt
from tests.access.house import read
from tests.factories import role
from tests.overrides.fallbacks import PHRASE, Ned, ned_on, takes_fallback
from tests.overrides.signing import Signing
from tests.overrides.test_views import asked_of, credential, page
from tests.readlog.room import make_room
from tests.signing_in import browser, sign_in

WRONG = "The code or the pass phrase is not right"


@pytest.fixture
def ned(signing: Signing, browse: Callable[[str], Client]) -> Iterator[Ned]:
    """Ned, on a film whose rules take fallback signatures."""
    make_room()
    takes_fallback(signing)
    with ned_on(signing) as made:
        yield made


def sends(signing: Signing, ned: Ned, to: str, sent: dict[str, str], *at: int) -> object:
    """What answers a form of Ned's, from an address of his own."""
    with role("web"):
        client = sign_in(browser(), ned.user)
        client.defaults["SERVER_NAME"] = "testserver"
        where = reverse(to, args=[signing.film.code, *at])
        answer = client.post(where, {"by": "fallback", **sent}, follow=True)
        answer.came_from = client.defaults["REMOTE_ADDR"]  # type: ignore[attr-defined]
        return answer


def text_of(answer: object) -> str:
    return str(answer.content.decode())  # type: ignore[attr-defined]


def approves(signing: Signing, ned: Ned, found: Override, **sent: str) -> object:
    said = {"decision": "approve", "code": "000000", "phrase": PHRASE, **sent}
    return sends(signing, ned, "override_decide", said, found.number)


def refused_from(answer: object) -> list[tuple[str, int, int]]:
    """What administrators are shown of an address: why, with which answer, how often."""
    with role("owner"):
        rows = Attempt.objects.filter(ip=answer.came_from).order_by("pk")  # type: ignore[attr-defined]
        return [(row.reason, row.status, row.count) for row in rows]


def test_a_fallback_key_is_enrolled_confirmed_and_signs_and_is_marked(
    signing: Signing, ned: Ned
) -> None:
    with role("web"):
        _, seen = page(signing, "ned", "signers")
    assert "Make my fallback key" in text_of(seen) and "taken, and marked" in text_of(seen)
    form = {"act": "enrol_fallback", "code": ned.code(), "phrase": PHRASE, "again": PHRASE}
    assert "Your fallback key is proposed" in text_of(sends(signing, ned, "signer_change", form))
    for name in ("amir", "bea"):
        with role("web"):
            client, seen = page(signing, name, "signers")
            assert "A fallback key for ned" in text_of(seen)
            ((place, asked),) = asked_of(seen).items()
            sent = {"act": "confirm", "mandate": place.removeprefix("options-"),
                    "credential": credential(signing, name, str(asked["challenge"]))}  # fmt: skip
            where = reverse("signer_change", args=[signing.film.code])
            assert "Confirmed" in text_of(client.post(where, sent, follow=True))
    found = signing.draw()
    with role("web"):
        _, seen = page(signing, "ned", "override", at=[found.number])
    assert "Sign with a code and a pass phrase (fallback)" in text_of(seen)
    answer = approves(signing, ned, found, code=ned.code())
    assert "Signed: OVR-0001 approved" in text_of(answer)
    assert re.search(r"fallback key \d+", text_of(answer)), "in the signature tree"
    with role("web"):
        for name in ("bea", "amir"):
            _, seen = page(signing, name, "overrides")
            assert "signed by ned (fallback)" in text_of(seen), "in the inbox and the list"
        _, seen = page(signing, "amir", "signers")
    assert re.search(r"ned</td>.*?fallback", text_of(seen), re.DOTALL)


def test_wrong_tries_are_kept_count_and_are_told_to_the_person(signing: Signing, ned: Ned) -> None:
    ned.enrolled()
    found, code = signing.draw(), ned.code()
    answer = approves(signing, ned, found)
    assert WRONG in text_of(answer) and answer.status_code == 409  # type: ignore[attr-defined]
    assert refused_from(answer) == [("signing", 409, 1)]
    wrong = approves(signing, ned, found, code=code, phrase="not it, not it at all")
    assert WRONG in text_of(wrong)
    assert WRONG in text_of(approves(signing, ned, found, code=code)), "the code is used up"
    for _ in range(2):
        approves(signing, ned, found)
    stopped = approves(signing, ned, found, code=ned.code())
    assert stopped.status_code == 429 and "Too many attempts" in text_of(stopped)  # type: ignore[attr-defined]
    assert refused_from(stopped) == [("throttled", 429, 1)]
    with role("owner"):
        kinds = read(
            "SELECT kind, count(*) FROM access_doorentry WHERE user_id = %s GROUP BY 1 ORDER BY 1",
            ned.user.pk,
        )
    assert kinds == [("held", 1), ("wrong_signing", 5)]
    assert signing.now(found).state == "requested"


def test_a_wrong_code_enrols_nothing_and_counts(signing: Signing, ned: Ned) -> None:
    form = {"act": "enrol_fallback", "code": "000000", "phrase": PHRASE, "again": PHRASE}
    for _ in range(5):
        assert "The code is not right" in text_of(sends(signing, ned, "signer_change", form))
    form["code"] = ned.code()
    assert "Too many attempts" in text_of(sends(signing, ned, "signer_change", form))
    with role("owner"):
        assert read("SELECT 1 FROM overrides_sealedkey WHERE user_id = %s", ned.user.pk) == []


def test_where_the_rules_exclude_it_pages_say_so_and_offer_none(signing: Signing, ned: Ned) -> None:
    ned.enrolled()
    found = signing.draw()
    takes_fallback(signing, yes=False)
    with role("web"):
        _, seen = page(signing, "ned", "override", at=[found.number])
        _, signers = page(signing, "ned", "signers")
    assert "exclude fallback signatures: enrol a passkey" in text_of(seen)
    assert 'name="phrase"' not in text_of(seen) + text_of(signers)
    answer = approves(signing, ned, found, code=ned.code())
    assert "exclude fallback signatures" in text_of(answer)
    assert refused_from(answer) == [("override", 409, 1)]


def test_rules_are_proposed_with_fallback_and_say_what_they_do(
    signing: Signing, browse: Callable[[str], Client]
) -> None:
    with role("web"):
        client, seen = page(signing, "amir", "signers")
        assert "are excluded." in text_of(seen)
        where = reverse("signer_change", args=[signing.film.code])
        client.post(where, {"act": "rules", "fallback": "yes"})
        client.post(where, {"act": "rules"})
        _, seen = page(signing, "lena", "signers")
    assert "Signing rules that take fallback signatures" in text_of(seen)
    assert "Signing rules that exclude fallback signatures" in text_of(seen)


def test_a_mandate_is_confirmed_by_fallback_on_its_page(signing: Signing, ned: Ned) -> None:
    ned.enrolled()
    proposed = signing.rules(password_keys=True)
    with role("web"):
        _, seen = page(signing, "ned", "signers")
    assert f"Confirm mandate {proposed.number} by fallback" in text_of(seen)
    form = {"act": "confirm", "mandate": str(proposed.number), "code": ned.code(), "phrase": PHRASE}
    assert "Confirmed: it is proposed." in text_of(sends(signing, ned, "signer_change", form))
    assert signing.confirmed(proposed, "bea").state == "in force"
