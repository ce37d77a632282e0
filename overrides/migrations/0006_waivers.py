"""Waivers of a held row's violation, and the flag on what was posted under an override."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("overrides", "0005_support")]

    operations = [
        migrations.RemoveConstraint(model_name="override", name="override_kind"),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    kind__in=[
                        "contingency_draw",
                        "over_budget",
                        "over_po",
                        "reclassification",
                        "late_posting",
                        "validation_waiver",
                    ]
                ),
                name="override_kind",
            ),
        ),
        migrations.RunSQL(
            (SQL / "flagged.sql").read_text(), (SQL / "flagged_reverse.sql").read_text()
        ),
    ]
