"""Alerts, their messages and secrets belong to the app `alerts`; the tables stay as they are."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0013_feed_terms"), ("alerts", "0002_audience")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel("AlertSeen"),
                migrations.DeleteModel("Notice"),
                migrations.DeleteModel("Alert"),
                migrations.DeleteModel("AlertHook"),
                migrations.DeleteModel("Secret"),
            ]
        ),
        migrations.RunSQL(
            (SQL / "notices.sql").read_text(), (SQL / "notices_reverse.sql").read_text()
        ),
    ]
