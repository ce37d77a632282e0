"""Corrections and override branches: what a node that names another node says of itself."""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("taxonomy", "0002_row_security"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="costnode",
            name="actor",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="costnode",
            name="branch",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="taxonomy.costnode",
            ),
        ),
        migrations.AddField(
            model_name="costnode",
            name="flag",
            field=models.CharField(
                blank=True,
                choices=[("CORRECTION", "Correction"), ("OVERRIDE", "Override")],
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="costnode",
            name="original",
            field=models.BinaryField(default=bytes, max_length=32),
        ),
        migrations.AddField(
            model_name="costnode",
            name="reason",
            field=models.CharField(blank=True, default="", max_length=300),
        ),
        migrations.RunSQL(
            (SQL / "overrides.sql").read_text(), (SQL / "overrides_reverse.sql").read_text()
        ),
    ]
