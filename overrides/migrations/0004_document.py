"""Who signs a request reads the document that supports it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("overrides", "0003_told"), ("ledger", "0005_attachments")]

    operations = [
        migrations.RunSQL(
            (SQL / "document.sql").read_text(), (SQL / "document_reverse.sql").read_text()
        ),
    ]
