"""Moves across the frozen line, each signed for by the guarantor."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("overrides", "0006_waivers"), ("budgets", "0005_crossings")]

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
                        "atl_btl",
                    ]
                ),
                name="override_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="signingrule",
            constraint=models.CheckConstraint(
                condition=~models.Q(kind__in=["contingency_draw", "atl_btl"])
                | models.Q(roles__contains=["bond_representative"]),
                name="signing_rule_guarantor",
            ),
        ),
        migrations.RunSQL(
            (SQL / "crossings.sql").read_text(), (SQL / "crossings_reverse.sql").read_text()
        ),
    ]
