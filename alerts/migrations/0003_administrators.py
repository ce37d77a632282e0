"""Administrators are an audience of their own."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"
AUDIENCES = ("import_files", "sign_overrides", "manage_access")


class Migration(migrations.Migration):
    dependencies = [("alerts", "0002_audience")]

    operations = [
        migrations.RemoveConstraint(model_name="alert", name="alert_audience"),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(audience__in=AUDIENCES), name="alert_audience"
            ),
        ),
        migrations.RunSQL(
            (SQL / "administrators.sql").read_text(),
            (SQL / "administrators_reverse.sql").read_text(),
        ),
    ]
