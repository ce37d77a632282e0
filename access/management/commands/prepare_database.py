"""manage.py prepare_database: bring the database to the shape this version needs."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from access import context, services


class Command(BaseCommand):
    """Migrates under a lock, so that several processes may start at once, sets the key, and puts
    the grants of everybody right by the table of roles."""

    help = "Migrate the database and install the key that seals who asks."

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('prodacct prepare_database'))")
            try:
                call_command("migrate", verbosity=options["verbosity"], interactive=False)
                context.install_key()
                changed = services.install_roles()
                if changed and options["verbosity"] > 0:
                    self.stdout.write(f"put {changed} grants right by the table of roles")
                install_queue()
            finally:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('prodacct prepare_database'))")


def install_queue() -> None:
    """Put PGMQ, which is plain SQL, into the broker's own database, when that is the broker."""
    if settings.CELERY_BROKER_URL != "pgmq://":
        return
    from pgmq.install import get_embedded_install_sql  # noqa: PLC0415

    where = str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["conn_string"])
    with psycopg.connect(where, autocommit=True) as broker:
        if broker.execute("SELECT to_regnamespace('pgmq')").fetchone() == (None,):
            broker.execute(get_embedded_install_sql())
