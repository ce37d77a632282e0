"""An alert has an audience, and a message the moment from which it may go out."""

from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_initial")]

    operations = [
        migrations.AddField(
            "alert", "audience", models.CharField(db_default="import_files", max_length=20)
        ),
        migrations.AddField(
            "notice",
            "run_after",
            models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.RemoveConstraint(model_name="alert", name="alert_kind"),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(audience__in=("import_files", "sign_overrides")),
                name="alert_audience",
            ),
        ),
        migrations.RunSQL(
            (SQL / "audiences.sql").read_text(), (SQL / "audiences_reverse.sql").read_text()
        ),
    ]
