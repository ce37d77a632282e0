"""Auditors, whose every request is recorded, among the roles."""

from django.db import migrations, models

ROLES = [
    ("production_accountant", "Production accountant"),
    ("payroll", "Payroll accountant"),
    ("line_producer", "Line producer"),
    ("department_head", "Department head"),
    ("bond_representative", "Bond representative"),
    ("studio_executive", "Studio executive"),
    ("administrator", "Administrator"),
    ("auditor", "Auditor"),
]


class Migration(migrations.Migration):
    dependencies = [("access", "0006_sessions")]
    operations = [
        migrations.AlterField(
            model_name=model, name="role", field=models.CharField(choices=ROLES, max_length=30)
        )
        for model in ("historicalmembership", "membership")
    ]
