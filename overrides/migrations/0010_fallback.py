"""Fallback keys: sealed under their owner's pass phrase, and taken where the signing rules say so."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0012_viewing"),
        ("overrides", "0009_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SealedKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public", models.CharField(max_length=64)),
                ("kdf", models.CharField(max_length=10)),
                ("salt", models.BinaryField(max_length=16)),
                ("memory_kib", models.IntegerField()),
                ("iterations", models.IntegerField()),
                ("lanes", models.IntegerField()),
                ("sealed", models.TextField()),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "production",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.production",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("production", "public"), name="sealed_key_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("iterations__gte", 2),
                            ("kdf", "argon2id"),
                            ("memory_kib__gte", 19456),
                        ),
                        name="sealed_key_hard_to_guess",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "fallback.sql").read_text(), (SQL / "fallback_reverse.sql").read_text()
        ),
    ]
