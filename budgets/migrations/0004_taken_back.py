"""An approved change of the budget may be taken back by another, line by line."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("budgets", "0003_transfers")]
    operations = [
        migrations.AddField(
            model_name="budgetchange",
            name="takes_back",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="budgets.budgetchange",
            ),
        ),
        migrations.RunSQL(
            (SQL / "taken_back.sql").read_text(), (SQL / "taken_back_reverse.sql").read_text()
        ),
    ]
