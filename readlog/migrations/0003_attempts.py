"""What was refused, for administrators: written by the database alone, and bounded."""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_auditor"),
        ("readlog", "0002_reads"),
        ("alerts", "0003_administrators"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("minute", models.DateTimeField()),
                ("fold", models.BinaryField(max_length=32)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("count", models.IntegerField()),
                ("reason", models.CharField(max_length=20)),
                ("status", models.SmallIntegerField()),
                ("method", models.CharField(max_length=10)),
                ("route", models.CharField(max_length=60)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("agent", models.CharField(max_length=200)),
                ("session_hash", models.BinaryField(max_length=32, null=True)),
                ("payload_mac", models.BinaryField(max_length=32)),
                (
                    "production",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.production",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["last_at"], name="attempt_lately")],
                "constraints": [
                    models.UniqueConstraint(fields=("minute", "fold"), name="attempts_folded")
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "attempts.sql").read_text(), (SQL / "attempts_reverse.sql").read_text()
        ),
    ]
