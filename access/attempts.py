"""What is remembered of attempts to sign in, for a while: a cache over functions of the database.

One table for every process, without a further server to run. The web role calls three functions
and has no right on the table: who can make it run a statement of theirs can add to what is
remembered under keys they know, and can read or empty none of it at large.

A request is one transaction, so whoever counts an attempt under a key holds it until the request
has ended, and two attempts at once are counted one after the other.
"""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

FOR_GOOD_SECONDS = 366 * 24 * 3600
# allauth remembers a code that was used for one period, though it may be right for three.
USED_CODE = "allauth.mfa.totp.used"


class AttemptCache(BaseCache):
    """Django's cache, as far as allauth uses it: JSON values under hashed keys."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        found = self._ask("SELECT sec.attempt_recalled(%s)", key, version)
        return default if found is None else json.loads(found)

    def set(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        self._keep(key, value, timeout, version, if_absent=False)

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return self._keep(key, value, timeout, version, if_absent=True)

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(self._ask("SELECT sec.attempt_forgotten(%s)", key, version))

    def _keep(
        self, key: str, value: Any, timeout: Any, version: int | None, *, if_absent: bool
    ) -> bool:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        if key.startswith(USED_CODE):
            seconds = settings.MFA_TOTP_PERIOD * (2 * settings.MFA_TOTP_TOLERANCE + 1)
        asked = (json.dumps(value), FOR_GOOD_SECONDS if seconds is None else seconds, if_absent)
        return bool(self._ask("SELECT sec.attempt_kept(%s, %s, %s, %s)", key, version, *asked))

    def _ask(self, sql: str, key: str, version: int | None, *more: str | float | bool) -> Any:
        kept = hashlib.sha256(self.make_key(key, version).encode()).digest()
        with connection.cursor() as cursor:
            cursor.execute(sql, [kept, *more])
            (found,) = cursor.fetchone() or (None,)
        return found
