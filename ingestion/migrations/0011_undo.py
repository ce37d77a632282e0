"""What a person did with a held row can be taken back, by a step more."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0010_uploads"),
    ]

    operations = [
        migrations.AddField(
            model_name="rowrevision",
            name="was",
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.RemoveConstraint(model_name="rowrevision", name="revision_action"),
        migrations.AddConstraint(
            model_name="rowrevision",
            constraint=models.CheckConstraint(
                condition=models.Q(action__in=["resubmit", "reject", "release", "undo"]),
                name="revision_action",
            ),
        ),
        migrations.RunSQL((SQL / "undo.sql").read_text(), (SQL / "undo_reverse.sql").read_text()),
    ]
