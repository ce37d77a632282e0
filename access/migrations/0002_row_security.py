"""Who asks, signed; and the first row policies."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0001_initial"),
        ("sessions", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "context.sql").read_text(), (SQL / "context_reverse.sql").read_text()
        ),
    ]
