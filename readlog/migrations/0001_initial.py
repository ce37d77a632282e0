"""What bond representatives and auditors ask for and are shown."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0006_sessions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Read",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("role", models.CharField(max_length=30)),
                ("strength", models.CharField(max_length=60)),
                ("method", models.CharField(max_length=10)),
                ("route", models.CharField(max_length=60)),
                ("address", models.CharField(max_length=300)),
                ("filters", models.CharField(max_length=2000)),
                ("rows_shown", models.IntegerField(null=True)),
                ("status", models.SmallIntegerField()),
                ("sha256", models.BinaryField(max_length=32)),
                ("body_bytes", models.BigIntegerField()),
                ("is_download", models.BooleanField()),
                ("duration_ms", models.IntegerField()),
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
                "indexes": [models.Index(fields=["production", "-id"], name="read_of_production")],
            },
        ),
    ]
