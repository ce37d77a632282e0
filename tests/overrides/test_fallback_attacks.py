"""Attacks on fallback signatures by whoever can run SQL as the web role, in a context of their own.

The database refuses what it can know; a signature that does not hold it cannot, and the worker
refuses to carry out what stands on one.
"""

import base64
import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError, transaction

from access.errors import Refused
from overrides import deciding, fallback, mandates, selectors
from overrides.deciding import BadSignature, Decision
from overrides.fallback import Proof
from overrides.models import Override
from overrides.signatures import FALLBACK, fallback_text
from tests.factories import acting, role
from tests.ledger.raw_batches import query
from tests.overrides.fallbacks import PHRASE, Ned, ned_on, takes_fallback
from tests.overrides.signing import Signing
from tests.overrides.test_deciding import INSERT
from tests.overrides.test_mandates import problems, revocation

APPROVE = Decision("approve")
HOLDS_NOT = base64.b64encode(bytes(64)).decode()
SEALED = (
    "INSERT INTO overrides_sealedkey (production_id, user_id, public, kdf, salt, memory_kib,"
    " iterations, lanes, sealed) VALUES (%s, %s, 'ab', 'argon2id', '', 65536, 3, 4, '')"
)


@pytest.fixture
def ned(signing: Signing) -> Iterator[Ned]:
    """Ned with a fallback key in force."""
    takes_fallback(signing)
    with ned_on(signing) as made:
        made.enrolled()
        yield made


def number_of(signing: Signing) -> int:
    """Of Ned's key."""
    with role("web"), acting(signing.film, "ned"):
        key = fallback.key_of(signing.film.production, signing.person("ned"))
    assert key is not None
    return key.number


def insert(signing: Signing, found: Override, name: str, **said: str) -> None:
    """An approval written past the services, with a signature that says this."""
    text = json.dumps({"alg": FALLBACK, "key": str(number_of(signing)), "sig": HOLDS_NOT, **said})
    with role("web"), acting(signing.film, name):
        query(INSERT, signing.film.production.pk, found.pk, "approve", signing.person(name).pk,
              text, "", "", None)  # fmt: skip


def test_nobody_reads_the_sealed_key_but_its_owner_in_the_web(signing: Signing, ned: Ned) -> None:
    with role("web"):
        with acting(signing.film, "ned"):
            assert query("SELECT user_id FROM overrides_sealedkey") == [(ned.user.pk,)]
        for name in ("lena", "amir", "bea"):
            with acting(signing.film, name):
                assert query("SELECT 1 FROM overrides_sealedkey") == []
        with transaction.atomic():
            assert query("SELECT 1 FROM overrides_sealedkey") == [], "nobody's, without a context"
    for name in ("worker", "bond"):
        with (
            role(name),
            acting(signing.film, "ned"),
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
        ):
            query("SELECT 1 FROM overrides_sealedkey")


def test_nobody_changes_removes_or_exchanges_a_sealed_key(signing: Signing, ned: Ned) -> None:
    for statement in ("UPDATE overrides_sealedkey SET sealed = ''",
                      "DELETE FROM overrides_sealedkey"):  # fmt: skip
        for name, said in (("web", "permission denied"), ("owner", "append-only|never")):
            with (
                role(name),
                acting(signing.film, "ned"),
                pytest.raises(DatabaseError, match=said),
                transaction.atomic(),
            ):
                query(statement)
    with (
        role("web"),
        acting(signing.film, "lena"),
        pytest.raises(DatabaseError, match="row-level"),
        transaction.atomic(),
    ):
        query(SEALED, signing.film.production.pk, ned.user.pk)


def test_a_signature_is_good_for_its_own_transition_alone(signing: Signing, ned: Ned) -> None:
    first, second = signing.draw(), signing.draw()
    with role("web"), acting(signing.film, "ned"):
        text = ned.signature(first, APPROVE)
        for found, decision in ((second, APPROVE), (first, Decision("reject", "no", "nowhere"))):
            with pytest.raises(BadSignature, match="does not hold"):
                deciding.decide(actor=ned.user, found=found, decision=decision, signature=text)
    proposed = signing.rules(password_keys=True)
    with role("web"), acting(signing.film, "ned"), pytest.raises(Refused, match="does not hold"):
        mandates.confirm(actor=ned.user, mandate=proposed, signature=text)


def test_a_key_of_another_person_signs_for_nobody(signing: Signing, ned: Ned) -> None:
    found = signing.draw()
    with role("web"), acting(signing.film, "ned"):
        text = ned.signature(found, APPROVE)
    with role("web"), acting(signing.film, "lena"):
        with pytest.raises(BadSignature, match="not yours"):
            deciding.decide(
                actor=signing.person("lena"), found=found, decision=APPROVE, signature=text
            )
        with pytest.raises(Refused, match="no fallback key"):
            fallback.sign(
                actor=signing.person("lena"), production=signing.film.production,
                digest_for=lambda key: b"", proof=Proof(ned.code(), PHRASE),
            )  # fmt: skip
    with pytest.raises(DatabaseError, match="a key of one's own"):
        insert(signing, found, "lena")


SHAPES = {
    "a passkey's kind": {"alg": "webauthn-es256"},
    "another key": {"key": "1"},
    "no signature": {"sig": ""},
    "half a signature": {"sig": HOLDS_NOT[:44]},
    "more beside it": {"role": "bond_representative"},
}


def test_the_database_takes_no_other_shape(signing: Signing, ned: Ned) -> None:
    found = signing.draw()
    for what, said in SHAPES.items():
        with pytest.raises(DatabaseError, match=r"key of one's own|64 bytes"):
            insert(signing, found, "ned", **said)
        assert signing.now(found).state == "requested", what


def test_raw_sql_signs_neither_with_a_revoked_key_nor_under_an_exclusion(
    signing: Signing, ned: Ned
) -> None:
    found, number = signing.draw(), str(number_of(signing))
    takes_fallback(signing, yes=False)
    with pytest.raises(DatabaseError, match="exclude fallback signatures"):
        insert(signing, found, "ned")
    with role("web"), acting(signing.film, "ned"), pytest.raises(Refused, match="exclude fallback"):
        mandates.propose_fallback_key(
            actor=ned.user, production=signing.film.production, public="ab" * 32
        )
    takes_fallback(signing)
    signing.confirmed(revocation(signing, "ned"), "amir", "bea")
    with role("web"), acting(signing.film, "ned"):
        assert selectors.live_keys(signing.film.production, ned.user) == []
    ned.enrolled()
    with pytest.raises(DatabaseError, match="a key of one's own"):
        insert(signing, found, "ned", key=number)


def test_rules_that_say_neither_yes_nor_no_are_refused(signing: Signing) -> None:
    for word in ("no", 1, None):
        said = {"rules": [], "rp": "", "origins": [], "password_keys": word}
        with role("web"), acting(signing.film, "amir"), pytest.raises(Refused, match="true or"):
            mandates._propose(
                signing.person("amir"), signing.film.production, "policy.set", json.dumps(said)
            )


def forgeries(signing: Signing, ned: Ned, found: Override) -> list[str]:
    """Signatures of the right shape that nobody with the key made over this."""
    other = signing.draw()
    with role("web"), acting(signing.film, "ned"):
        key = fallback.key_of(signing.film.production, ned.user)
        assert key is not None
        replayed = ned.signature(other, APPROVE)
        digest = deciding.digest_of(found, APPROVE, key)
    by_another = fallback_text(key.number, Ed25519PrivateKey.generate().sign(digest))
    return [json.loads(text)["sig"] for text in (replayed, by_another)] + [HOLDS_NOT]


def test_what_stands_on_a_forged_row_is_not_carried_out_and_is_named(
    signing: Signing, ned: Ned
) -> None:
    found = signing.draw()
    for sig in forgeries(signing, ned, found):
        found = signing.draw()
        insert(signing, found, "ned", sig=sig)
        assert signing.decides("bea", found).becomes == "approved", "the database cannot know"
        assert signing.works() == 1
        now = signing.now(found)
        assert (now.state, now.executed_leaf) == ("rejected", None)
        with role("web"), acting(signing.film, "amir"):
            stopped = selectors.steps(now)[-1]
        assert "The signature of ned on it does not hold" in stopped.reason
        assert any(found.reference in said and "does not hold" in said
                   for said in problems(signing))  # fmt: skip


def test_a_passkey_s_forged_row_is_not_carried_out_either(signing: Signing) -> None:
    found = signing.draw()
    text = signing.signature("lena", found, APPROVE)
    for said in ({"sig": base64.b64encode(b"x" * 70).decode()}, {"client": "e30="}, {"auth": 7}):
        found = signing.draw()
        forged, lena = json.dumps(json.loads(text) | said), signing.person("lena").pk
        with role("web"), acting(signing.film, "lena"):
            query(
                INSERT, signing.film.production.pk, found.pk, "approve", lena, forged, "", "", None
            )
        signing.decides("bea", found)
        assert signing.works() == 1
        assert signing.now(found).state == "rejected"
