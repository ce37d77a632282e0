"""Mandates in the order of the log: whose word counts, which rules stand, who waits for whom."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection

from access import context
from access.errors import Refused
from overrides import deciding, mandates
from overrides.deciding import Decision
from overrides.models import Mandate
from overrides.verifying import verify_overrides
from tests.factories import acting, close_sessions, role
from tests.overrides.signing import Signing

APPROVE = Decision("approve")


def problems(signing: Signing) -> list[str]:
    production = signing.film.production
    with role("worker"), context.acting(user_id=context.NOBODY, production_id=production.pk):
        return verify_overrides(production)[1]


def revocation(signing: Signing, name: str) -> Mandate:
    with role("web"), acting(signing.film, name):
        key = signing.key(name)
        return mandates.propose_revocation(actor=signing.person(name), key=key, reason="lost")


def test_a_word_given_with_a_key_that_was_revoked_since_does_not_count(signing: Signing) -> None:
    signing.confirmed(signing.key_of("eve"), "amir", "bea")
    proposed = signing.confirmed(signing.rules(), "lena")
    signing.confirmed(revocation(signing, "lena"), "amir", "bea")
    assert signing.confirmed(proposed, "bea").state == "proposed"
    assert signing.confirmed(proposed, "eve").state == "in force"
    assert problems(signing) == []


def test_newer_signing_rules_are_not_overtaken_by_older_ones(signing: Signing) -> None:
    older, newer = signing.rules(), signing.rules(most_btl="2000")
    signing.confirmed(older, "lena")
    signing.confirmed(newer, "lena", "bea")
    with pytest.raises(Refused, match="overtaken by newer signing rules"):
        signing.confirmed(older, "bea")
    signing.draw()
    assert problems(signing) == []


def test_a_key_is_not_revoked_while_a_signature_of_it_is_being_written(signing: Signing) -> None:
    found, lost = signing.draw(), revocation(signing, "lena")
    text = signing.signature("lena", found, APPROVE)
    signing.confirmed(lost, "amir")
    with role("web"), acting(signing.film, "bea"):
        key = signing.key("bea")
        word = signing.devices["bea"].signs(mandates.confirmation_digest(lost, key), key.number)

    def revokes() -> Mandate:
        with role("web"), acting(signing.film, "bea"):
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
            return mandates.confirm(actor=signing.person("bea"), mandate=lost, signature=word)

    with ThreadPoolExecutor(1) as pool:
        with role("web"):
            with acting(signing.film, "lena"):
                deciding.decide(
                    actor=signing.person("lena"), found=signing.again(found), decision=APPROVE,
                    signature=text,
                )  # fmt: skip
                with pytest.raises(OperationalError, match="lock timeout"):
                    pool.submit(revokes).result(timeout=60)
            assert pool.submit(revokes).result(timeout=60).state == "in force"
        pool.submit(close_sessions).result()
    assert problems(signing) == []
