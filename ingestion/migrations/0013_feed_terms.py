"""The terms of a feed may be changed; what it is stays."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0012_inbox_alerts")]

    operations = [
        migrations.RunSQL(
            (SQL / "feed_terms.sql").read_text(), (SQL / "feed_terms_reverse.sql").read_text()
        ),
    ]
