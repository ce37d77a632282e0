"""A person's password hash, read and kept as that person and in nobody else's name.

The row is its owner's alone (access/sql/passwords.sql). Whoever is about to sign in is nobody yet,
so for the moment of the check the process states, signed, that it acts for who they say they are;
then whoever asked before asks again.
"""

from typing import Any

from django.db import connection

from access import context


def kept_hash(user_id: int) -> str:
    """The hash kept for a person; '' where there is none, which no password is right for."""
    with context.as_person(user_id):
        found = _run("SELECT hash FROM access_password WHERE user_id = %s", user_id)
    return str(found[0][0]) if found else ""


def keep_hash(user_id: int, hashed: str) -> None:
    """Keep a person's hash from now on. Their first one is the owner's connection's to keep."""
    with context.as_person(user_id):
        update = "UPDATE access_password SET hash = %s WHERE user_id = %s RETURNING user_id"
        if not _run(update, hashed, user_id):
            insert = "INSERT INTO access_password (hash, user_id) VALUES (%s, %s)"
            _run(insert, hashed, user_id)


def _run(sql: str, *asked: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return list(cursor.fetchall()) if cursor.description else []
