"""A line producer whose device has no passkey, and how they sign."""

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.core.cache import cache

from access import services
from access.attempts import USED_CODE
from access.models import User
from overrides import deciding, fallback, mandates
from overrides.deciding import Decision
from overrides.fallback import Proof
from overrides.models import Mandate, Override, Step
from tests.access.house import newcomer
from tests.factories import acting, role
from tests.overrides.signing import Signing
from tests.signing_in import code_of

PHRASE = "seven lamps over quiet water"
PASSWORD = "another long enough password"


@dataclass
class Ned:
    """Ned, with an authenticator app of his own and a pass phrase."""

    signing: Signing
    user: User
    secret: str
    used: list[str] = field(default_factory=list)

    def code(self) -> str:
        """A code his app shows about now that was not given yet. There are three at a time; once
        they are given, their minute and a half passes."""
        shown = [code_of(self.secret, n) for n in (0, 1, -1)]
        if set(shown) <= set(self.used):
            for code in self.used:
                cache.delete(f"{USED_CODE}?user={self.user.pk}&code={code}")
            self.used.clear()
        code = next(code for code in shown if code not in self.used)
        self.used.append(code)
        return code

    def enrols(self, **other: str) -> Mandate:
        """His fallback key, proposed."""
        said = {"code": self.code(), "phrase": PHRASE, "again": PHRASE, **other}
        with role("web"), acting(self.signing.film, "ned"):
            return fallback.enrol(
                actor=self.user, production=self.signing.film.production,
                proof=Proof(said["code"], said["phrase"]), again=said["again"],
            )  # fmt: skip

    def enrolled(self) -> Mandate:
        """His fallback key, in force."""
        return self.signing.confirmed(self.enrols(), "amir", "bea")

    def signature(self, found: Override, decision: Decision, **other: str) -> str:
        """What the server signs for him. Inside an act of his."""
        said = {"code": "", "phrase": PHRASE, **other}
        return fallback.sign(
            actor=self.user, production=self.signing.film.production,
            digest_for=lambda key: deciding.digest_of(found, decision, key),
            proof=Proof(said["code"] or self.code(), said["phrase"]),
        )  # fmt: skip

    def decides(self, found: Override, step: str = "approve", **other: str) -> Step:
        """A decision of his, signed by fallback."""
        decision = Decision(step)
        with role("web"), acting(self.signing.film, "ned"):
            text = self.signature(found, decision, **other)
            now = self.signing.again(found)
            return deciding.decide(actor=self.user, found=now, decision=decision, signature=text)

    def confirms(self, mandate: Mandate) -> Mandate:
        """His word for a mandate, signed by fallback."""
        with role("web"), acting(self.signing.film, "ned"):
            text = fallback.sign(
                actor=self.user, production=self.signing.film.production,
                digest_for=lambda key: mandates.confirmation_digest(mandate, key),
                proof=Proof(self.code(), PHRASE),
            )  # fmt: skip
            return mandates.confirm(actor=self.user, mandate=mandate, signature=text)


def takes_fallback(signing: Signing, *, yes: bool = True) -> Mandate:
    """Rules that take fallback signatures, or exclude them, in force."""
    return signing.confirmed(signing.rules(password_keys=yes), "lena", "bea")


@contextmanager
def ned_on(signing: Signing) -> Iterator[Ned]:
    """Ned among the cast of a film, for as long as a test takes."""
    ned = newcomer(signing.film, "ned", "line_producer")
    secret = base64.b32encode(os.urandom(20)).decode()
    with role("owner"):
        ned.set_password(PASSWORD)
        ned.save()
        services.give_authenticator_app(
            actor=services.console_person(), user=ned, secret=re.sub("=", "", secret)
        )
    signing.film.cast["ned"] = ned
    try:
        yield Ned(signing, ned, secret)
    finally:
        del signing.film.cast["ned"]
