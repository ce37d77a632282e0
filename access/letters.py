"""Letters to people: kept with the act they are about, sent by a worker, forgotten once sent.

A letter is put into the database in the transaction of the act it tells of, so that neither happens
without the other, and nobody waits for a mail server. What it says is sealed: a link that opens a
place or a password is in no table to be read. A server that is away is tried again, later and
later, for three days.
"""

import json
import logging
from datetime import datetime, timedelta
from email.utils import formatdate
from smtplib import SMTPException
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.db import connection, transaction
from django.utils import timezone

from access.errors import Invalid
from access.sealing import seal_of

log = logging.getLogger(__name__)
PURPOSE = b"prodacct letters v1"
TRIED_FOR = timedelta(days=3)
MOST_AT_ONCE = 200


def can_send() -> bool:
    """Whether this installation names a mail server."""
    return bool(settings.ALERT_MAIL)


def mailbox(typed: str, field: str) -> str:
    """The address somebody typed, as it is kept. Raises Invalid, naming the field."""
    address = typed.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid(f"{field}: expected name@host, found {typed[:60]!r}.") from None
    if len(address) > 254:
        raise Invalid(f"{field}: expected at most 254 characters.")
    return address


def put(*, to: str, subject: str, text: str) -> int | None:
    """Keep a letter to be sent once this transaction has committed: its number, or None where no
    mail server is named."""
    assert "\n" not in subject
    if not can_send():
        log.warning("PRODACCT_MAIL is not set: nothing is sent: %s", subject)
        return None
    said = json.dumps({"to": to, "subject": subject, "text": text})
    return int(_ask("SELECT sec.letter_put(%s)", seal_of(PURPOSE).encrypt(said.encode()))[0][0])


def send_due() -> int:
    """Send the letters that are due, as the worker; how many went out.

    One is taken at a time and noted when the server has it, so that twice is harmless and a worker
    that dies in between sends at most one again, under the same Message-ID.
    """
    sent = 0
    for _ in range(MOST_AT_ONCE if can_send() else 0):
        with transaction.atomic():
            taken = _ask("SELECT id, key, sealed, put_at FROM sec.letter_taken()")
        if not taken:
            break
        number, key, sealed, put_at = taken[0]
        try:
            message = _message(bytes(sealed), key, put_at)
            get_connection().send_messages([message])
        except InvalidToken:
            log.error("letter %s was not sealed by this installation", number)
            _done(number, was_sent=False)
        except (SMTPException, OSError) as fault:
            log.warning("letter %s was not sent: %s", number, type(fault).__name__)
            if timezone.now() - put_at > TRIED_FOR:
                _done(number, was_sent=False)
            elif not isinstance(fault, SMTPException):
                break  # nobody answers there: the others would wait for nothing too
        else:
            _done(number, was_sent=True)
            sent += 1
    return sent


def _message(sealed: bytes, key: Any, put_at: datetime) -> EmailMessage:
    said = json.loads(seal_of(PURPOSE).decrypt(sealed))
    return EmailMessage(
        subject=said["subject"], body=said["text"], to=[said["to"]],
        headers={
            "Message-ID": f"<{key}@prodacct>",
            "Date": formatdate(put_at.timestamp()),
            "Auto-Submitted": "auto-generated",
        },
    )  # fmt: skip


def _done(number: int, *, was_sent: bool) -> None:
    with transaction.atomic():
        _ask("SELECT sec.letter_done(%s, %s)", number, was_sent)


def _ask(sql: str, *asked: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked or None)
        return list(cursor.fetchall())
