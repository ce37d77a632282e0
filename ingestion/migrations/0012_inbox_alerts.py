"""A file that the inbox refuses is told to the accounting team."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0011_undo"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="alert", name="alert_kind"),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(kind__in=["file", "call", "work", "inbox"]), name="alert_kind"
            ),
        ),
    ]
