"""Cost-centre scope and append-only cost nodes."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("taxonomy", "0001_initial"),
        ("access", "0002_row_security"),
    ]
    operations = [
        migrations.RunSQL((SQL / "scope.sql").read_text(), (SQL / "scope_reverse.sql").read_text()),
    ]
