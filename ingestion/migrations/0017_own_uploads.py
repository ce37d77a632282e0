"""Unfinished uploads stay closed to who looks at pages as their sender."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0016_waivers"), ("access", "0012_viewing")]
    operations = [
        migrations.RunSQL(
            (SQL / "own_uploads.sql").read_text(), (SQL / "own_uploads_reverse.sql").read_text()
        )
    ]
