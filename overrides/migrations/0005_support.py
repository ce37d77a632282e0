"""Whoever may ask hands in the document that supports the request."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("overrides", "0004_document")]

    operations = [
        migrations.RunSQL(
            (SQL / "support.sql").read_text(), (SQL / "support_reverse.sql").read_text()
        ),
    ]
