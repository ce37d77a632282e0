"""The signed, expiring statement of who asks and about which production.

Row-level security reads it (access/sql/context.sql). It is set for one transaction, is bound to
the database session by its process id, and is sealed with a key the web role cannot read, so an
SQL injection cannot become another person by setting a variable.
"""

import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction

NOBODY = 0
NO_PRODUCTION = 0
LIFETIME_SECONDS = 300


def context_key() -> bytes:
    """The 32-byte key shared with the database, derived from the installation's secret."""
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, b"prodacct row security context v1", hashlib.sha256).digest()


def signed_context(*, user_id: int, production_id: int, backend_pid: int, expires: int) -> str:
    """`user.production.expires.pid.mac`, mac an HMAC-SHA256 in hex over what stands before it."""
    body = f"{user_id}.{production_id}.{expires}.{backend_pid}"
    return body + "." + hmac.new(context_key(), body.encode(), hashlib.sha256).hexdigest()


def enter(*, user_id: int, production_id: int, lifetime_seconds: int = LIFETIME_SECONDS) -> None:
    """Set the context for the rest of the current transaction.

    Raises AssertionError outside a transaction: the setting would outlive the request.
    """
    assert connection.in_atomic_block, "the context belongs to a transaction"
    connection.ensure_connection()
    value = signed_context(
        user_id=user_id,
        production_id=production_id,
        backend_pid=connection.connection.info.backend_pid,
        expires=int(time.time()) + lifetime_seconds,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('prodacct.context', %s, true)", [value])


@contextmanager
def acting(
    *, user_id: int, production_id: int, lifetime_seconds: int = LIFETIME_SECONDS
) -> Iterator[None]:
    """One transaction in which `user_id` acts on `production_id`."""
    with transaction.atomic():
        enter(
            user_id=user_id,
            production_id=production_id,
            lifetime_seconds=lifetime_seconds,
        )
        yield


def install_key() -> None:
    """Store the context key in the database. The owner's connection only."""
    key = context_key()
    block = key.ljust(64, b"\0")
    inner = bytes(b ^ 0x36 for b in block)
    outer = bytes(b ^ 0x5C for b in block)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM sec.context_key")
        cursor.execute("INSERT INTO sec.context_key VALUES (%s, %s)", [inner, outer])
