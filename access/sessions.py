"""Sessions as Django's middleware asks for them, kept by functions of the database.

The browser's key is hashed before it leaves this process, and the web role has no right on what a
session holds: it may ask for the one whose key it was shown. A session ends when nothing was asked
for a while, and when its day is over; ending it is deleting it, so that the next click is nobody's.
"""

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import connection

FROM = "came_from"  # [address, browser], put there at sign-in
BEFORE_SIGNING_IN_SECONDS = 3600


def hash_of(session_key: str) -> bytes:
    """What is kept of a session's key."""
    return hashlib.sha256(b"prodacct session v1\0" + session_key.encode()).digest()


class SessionStore(SessionBase):
    """One browser's session."""

    def load(self) -> dict[str, Any]:
        assert self.session_key is not None
        data = _ask(
            "SELECT sec.session_read(%s, %s)",
            hash_of(self.session_key),
            settings.SESSION_IDLE_SECONDS,
        )
        if data is None:
            self._session_key = None
            return {}
        return dict(self.decode(data))

    def exists(self, session_key: str) -> bool:
        return bool(_ask("SELECT sec.session_exists(%s)", hash_of(session_key)))

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
            return
        held = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        user = held.get(SESSION_KEY)
        ip, agent = held.get(FROM, (None, ""))
        seconds = settings.SESSION_COOKIE_AGE if user else BEFORE_SIGNING_IN_SECONDS
        kept = _ask(
            "SELECT sec.session_kept(%s, %s, %s, %s, %s, %s, %s)",
            hash_of(self.session_key), self.encode(held), user and int(user), ip, agent, seconds,
            must_create,
        )  # fmt: skip
        if not kept:
            raise CreateError if must_create else UpdateError

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            _ask("SELECT sec.session_ended(%s)", hash_of(key))

    @classmethod
    def clear_expired(cls) -> None:
        """Sessions that have ended go by the way, as others are kept."""


def _ask(sql: str, *asked: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        (found,) = cursor.fetchone() or (None,)
    return found
