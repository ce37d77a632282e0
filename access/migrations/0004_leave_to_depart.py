"""Asking for and signing overrides, as actions."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_history"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="production",
            options={
                "default_permissions": (),
                "permissions": [
                    ("view_costs", "See costs of the cost centres one has been given"),
                    ("view_all_costs", "See every cost centre of the production"),
                    ("import_files", "Receive cost documents and read them as they came"),
                    ("resolve_quarantine", "Fix, resubmit and reject held rows"),
                    ("post_entries", "Enter orders, invoices, payments, journals and corrections"),
                    ("approve_orders", "Approve purchase orders and budget versions"),
                    ("close_periods", "Close cost-report periods"),
                    ("request_overrides", "Ask for leave to depart from a rule"),
                    ("sign_overrides", "Decide and ratify overrides, and confirm who signs them"),
                    ("view_published", "See what has been published"),
                    ("manage_access", "Give and take memberships"),
                ],
            },
        ),
    ]
