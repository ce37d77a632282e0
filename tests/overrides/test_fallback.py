"""Signing without a passkey: by a code and a pass phrase, marked, and only where rules take it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError

from access import codes
from access.codes import TooManyTries
from access.errors import Invalid, Refused
from overrides import deciding, fallback, sealed_keys
from overrides.deciding import BadSignature, Decision
from overrides.fallback import Proof, WrongProof
from overrides.signatures import FALLBACK
from tests.factories import acting, role
from tests.ledger.raw_batches import query
from tests.overrides.fallbacks import PASSWORD, PHRASE, Ned, ned_on, takes_fallback
from tests.overrides.signing import Signing, unpacked_books, verified_offline
from tests.overrides.test_mandates import problems, revocation

APPROVE = Decision("approve")


@pytest.fixture
def ned(signing: Signing) -> Iterator[Ned]:
    """Ned, on a film whose rules take fallback signatures."""
    takes_fallback(signing)
    with ned_on(signing) as made:
        yield made


def test_a_code_and_a_pass_phrase_sign_what_a_passkey_would(signing: Signing, ned: Ned) -> None:
    made = ned.enrolled()
    assert made.state == "in force"
    found = signing.draw()
    step = ned.decides(found)
    assert (step.becomes, step.key.alg, step.role) == ("requested", FALLBACK, "line_producer")  # type: ignore[union-attr]
    assert json.loads(step.signature).keys() == {"alg", "key", "sig"}
    assert signing.decides("bea", found).becomes == "approved"
    assert signing.works() == 1
    assert signing.now(found).state == "executed"
    assert problems(signing) == []


def test_it_confirms_mandates_too(signing: Signing, ned: Ned) -> None:
    ned.enrolled()
    proposed = signing.rules(password_keys=True)
    ned.confirms(proposed)
    assert signing.confirmed(proposed, "bea").state == "in force"
    assert problems(signing) == []


def test_which_of_the_two_was_wrong_is_not_said(signing: Signing, ned: Ned) -> None:
    ned.enrolled()
    found, said = signing.draw(), set()
    for wrong in ({"code": "000000"}, {"phrase": "seven lamps over quiet"},
                  {"code": "x", "phrase": ""}, {"code": ned.used[0]}):  # fmt: skip
        with role("web"), acting(signing.film, "ned"):
            with pytest.raises(WrongProof) as refusal:
                ned.signature(found, APPROVE, **wrong)
            said.add(refusal.value.message)
    assert len(said) == 1
    assert signing.now(found).state == "requested"


def test_a_code_signs_once_and_is_used_up_by_a_wrong_pass_phrase(
    signing: Signing, ned: Ned
) -> None:
    ned.enrolled()
    found, once, wasted = signing.draw(), ned.code(), ned.code()
    with role("web"), acting(signing.film, "ned"):
        assert ned.signature(found, APPROVE, code=once)
        for other in ({"code": once}, {"code": wasted, "phrase": "wrong"}, {"code": wasted}):
            with pytest.raises(WrongProof):
                ned.signature(found, APPROVE, **other)


def test_five_wrong_tries_stop_a_sixth_even_if_it_is_right(signing: Signing, ned: Ned) -> None:
    ned.enrolled()
    found = signing.draw()
    with role("web"), acting(signing.film, "ned"):
        for _ in range(codes.MOST_TRIES):
            with pytest.raises(WrongProof):
                ned.signature(found, APPROVE, code="000000")
        with pytest.raises(TooManyTries):
            ned.signature(found, APPROVE)
    with role("owner"):  # five minutes later
        query("UPDATE sec.attempt SET expires_at = clock_timestamp() WHERE value = '1'")
    assert ned.decides(found).becomes == "requested"


def test_right_tries_are_not_counted(signing: Signing, ned: Ned) -> None:
    ned.enrolled()
    with role("web"), acting(signing.film, "ned"):
        for _ in range(codes.MOST_TRIES + 2):
            codes.give_back(codes.begin_try(ned.user, fallback.SIGNING))
        for _ in range(codes.MOST_TRIES):
            codes.begin_try(ned.user, fallback.SIGNING)
        with pytest.raises(TooManyTries):
            codes.begin_try(ned.user, fallback.SIGNING)
        codes.begin_try(ned.user, fallback.ENROLLING)


WRONG = {
    "another word the second time": ({"again": "seven lamps over water"}, Invalid, "not the same"),
    "short": ({"phrase": "lamp", "again": "lamp"}, Invalid, "too short"),
    "long": ({"phrase": "lamp " * 41, "again": "lamp " * 41}, Invalid, "at most 200"),
    "a wrong code": ({"code": "000000"}, WrongProof, "The code is not right"),
    "the password": ({"phrase": PASSWORD, "again": PASSWORD}, Invalid, "another than the password"),
}


def test_a_key_is_made_only_with_a_code_and_a_pass_phrase_of_its_own(
    signing: Signing, ned: Ned
) -> None:
    for change, refusal, words in WRONG.values():
        with pytest.raises(refusal, match=words):
            ned.enrols(**change)
        ned.used.clear()  # what was refused with an act is not kept
    with role("owner"):
        query("DELETE FROM mfa_authenticator WHERE user_id = %s", ned.user.pk)
    with pytest.raises(Refused, match="Set up an authenticator app"):
        ned.enrols()
    with role("owner"):
        assert query("SELECT 1 FROM overrides_sealedkey WHERE user_id = %s", ned.user.pk) == []


def test_rules_exclude_it_unless_they_take_it(signing: Signing) -> None:
    with ned_on(signing) as ned:
        with pytest.raises(Refused, match="exclude fallback"):
            ned.enrols()
        takes_fallback(signing)
        ned.enrolled()
        found = signing.draw()
        with role("web"), acting(signing.film, "ned"):
            text = ned.signature(found, APPROVE)
        takes_fallback(signing, yes=False)
        with role("web"), acting(signing.film, "ned"):
            with pytest.raises(Refused, match="exclude fallback"):
                ned.signature(found, APPROVE)
            with pytest.raises(BadSignature, match="exclude fallback"):
                deciding.decide(actor=ned.user, found=found, decision=APPROVE, signature=text)
        takes_fallback(signing)
        assert ned.decides(found).becomes == "requested"
        assert problems(signing) == []


def test_a_word_given_by_fallback_does_not_count_once_they_are_excluded(
    signing: Signing, ned: Ned
) -> None:
    ned.enrolled()
    proposed = signing.key_of("eve")
    ned.confirms(proposed)
    takes_fallback(signing, yes=False)
    assert signing.confirmed(proposed, "amir").state == "proposed"
    assert signing.confirmed(proposed, "bea").state == "in force"
    assert problems(signing) == []


def test_a_revoked_key_signs_nothing_more_and_another_is_made(signing: Signing, ned: Ned) -> None:
    ned.enrolled()
    found = signing.draw()
    with role("web"), acting(signing.film, "ned"):
        text = ned.signature(found, APPROVE)
    signing.confirmed(revocation(signing, "ned"), "amir", "bea")
    with role("web"), acting(signing.film, "ned"):
        with pytest.raises(Refused, match="no fallback key in force"):
            ned.signature(found, APPROVE, code="000000")
        with pytest.raises(BadSignature, match="revoked"):
            deciding.decide(actor=ned.user, found=found, decision=APPROVE, signature=text)
    assert ned.enrolled().state == "in force"


def test_the_private_key_is_in_no_row_and_opens_for_one_phrase_and_one_person() -> None:
    kept = sealed_keys.new_key(PHRASE, "1/2")
    secret = sealed_keys.opened(kept, PHRASE, "1/2")
    assert secret is not None
    assert secret.public_key().public_bytes_raw().hex() == kept.public
    raw = secret.private_bytes_raw()
    assert raw not in kept.sealed.encode() and raw.hex() not in repr(kept)
    assert sealed_keys.opened(kept, PHRASE + " ", "1/2") is None
    assert sealed_keys.opened(kept, PHRASE, "1/3") is None
    assert sealed_keys.new_key(PHRASE, "1/2").sealed != kept.sealed
    assert PHRASE not in repr(Proof("123456", PHRASE))


def test_a_key_opens_on_the_terms_it_was_sealed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = sealed_keys.new_key(PHRASE, "1/2")
    monkeypatch.undo()
    assert (sealed_keys.TERMS.memory_kib, sealed_keys.TERMS.iterations) == (65536, 3)
    dear = sealed_keys.new_key(PHRASE, "1/2")
    assert cheap.terms != dear.terms
    assert sealed_keys.opened(cheap, PHRASE, "1/2")
    assert sealed_keys.opened(dear, PHRASE, "1/2")


def test_one_phrase_typed_on_two_keyboards_is_one_phrase() -> None:
    kept = sealed_keys.new_key("un été à la mer, déjà", "1/2")
    assert sealed_keys.opened(kept, "un e\u0301te\u0301 a\u0300 la mer, de\u0301ja\u0300", "1/2")


def test_a_key_under_another_secret_of_the_installation_says_so(settings: object) -> None:
    kept = sealed_keys.new_key(PHRASE, "1/2")
    before = settings.SECRET_KEY  # type: ignore[attr-defined]
    settings.SECRET_KEY = "another" * 10  # type: ignore[attr-defined]
    for phrase in (PHRASE, "wrong"):
        with pytest.raises(sealed_keys.NotOpened, match="Have it revoked"):
            sealed_keys.opened(kept, phrase, "1/2")
    settings.SECRET_KEY_FALLBACKS = [before]  # type: ignore[attr-defined]
    assert sealed_keys.opened(kept, PHRASE, "1/2") is not None


def test_the_database_keeps_no_key_that_is_easy_to_guess(signing: Signing, ned: Ned) -> None:
    insert = (
        "INSERT INTO overrides_sealedkey (production_id, user_id, public, kdf, salt, memory_kib,"
        " iterations, lanes, sealed) VALUES (%s, %s, 'ab', %s, '', %s, %s, 1, '')"
    )
    for terms in (("none", 65536, 3), ("argon2id", 8, 3), ("argon2id", 65536, 1)):
        with (
            role("web"),
            pytest.raises(DatabaseError, match="hard_to_guess"),
            acting(signing.film, "ned"),
        ):
            query(insert, signing.film.production.pk, ned.user.pk, *terms)


def test_the_command_and_the_bundle_s_verifier_name_each(
    signing: Signing, ned: Ned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ned.enrolled()
    found = signing.draw()
    ned.decides(found)
    signing.decides("bea", found)
    with role("worker"):
        call_command("verify_overrides", production=signing.film.code)
        call_command("verify_overrides", production=signing.film.code, json=True)
    *lines, said = capsys.readouterr().out.splitlines()
    ((marked,), (verdict,)) = ([x for x in lines if w in x] for w in ("FALLBACK", "everything"))
    assert f"OVR-0001, by person {ned.user.pk} with key" in marked
    assert "6 signatures (1 fallback)" in verdict
    assert json.loads(said)["fallback"] == [marked.removeprefix("FALLBACK ")]
    done = verified_offline(unpacked_books(signing, tmp_path))
    assert done.returncode == 0, done.stdout
    assert "6 override signatures, 1 of them fallback" in done.stdout
    assert marked.removeprefix("FALLBACK ") in done.stdout
