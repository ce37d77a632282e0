"""manage.py stop_database: stop the private PostgreSQL, never a server named by DATABASE_URL."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from prodacct import server


class Command(BaseCommand):
    help = "Stop the private PostgreSQL of this installation."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        private = server.cluster()
        if private is None:
            raise CommandError("DATABASE_URL names a server that is not ours to stop.")
        if not private.is_running:
            self.stdout.write("The database is not running.")
            return
        try:
            private.stop()
        except server.ServerUnusable as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The database is stopped.")
