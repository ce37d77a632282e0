"""A held row is posted as it stands under an override signed for it."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0015_pay_questions"), ("overrides", "0006_waivers")]

    operations = [
        migrations.AddField(
            model_name="rowrevision",
            name="override",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="overrides.override",
            ),
        ),
        migrations.RemoveConstraint(model_name="rowrevision", name="revision_action"),
        migrations.AddConstraint(
            model_name="rowrevision",
            constraint=models.CheckConstraint(
                condition=models.Q(action__in=["resubmit", "reject", "release", "undo"])
                | models.Q(action="waive", override__isnull=False),
                name="revision_action",
            ),
        ),
        migrations.AddConstraint(
            model_name="rowrevision",
            constraint=models.UniqueConstraint(
                fields=["override", "action"], name="revision_once_an_override"
            ),
        ),
        migrations.RunSQL(
            (SQL / "waivers.sql").read_text(), (SQL / "waivers_reverse.sql").read_text()
        ),
    ]
