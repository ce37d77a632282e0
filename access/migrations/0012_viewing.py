"""Looking at pages as another member, as an action and in the signed context."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
# The permission's row is made by Django after the first migration of a new installation, which has
# no memberships yet.
GRANT = """
INSERT INTO auth_permission (name, content_type_id, codename)
SELECT 'Look at pages as another member is shown them', id, 'view_as'
FROM django_content_type WHERE app_label = 'access' AND model = 'production'
ON CONFLICT DO NOTHING;
INSERT INTO access_productionuserobjectpermission (permission_id, user_id, content_object_id)
SELECT p.id, m.user_id, m.production_id FROM access_membership m, auth_permission p
WHERE p.codename = 'view_as' AND m.role = 'production_accountant'
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0008_passwords"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="production",
            options={
                "default_permissions": (),
                "permissions": [
                    ("view_costs", "See costs of the cost centres one has been given"),
                    ("view_all_costs", "See every cost centre of the production"),
                    ("view_pay", "See names on payroll lines, pay rates and what else is personal"),
                    ("import_files", "Receive cost documents and read them as they came"),
                    ("resolve_quarantine", "Fix, resubmit and reject held rows"),
                    ("post_entries", "Enter orders, invoices, payments, journals and corrections"),
                    ("approve_orders", "Approve purchase orders and budget versions"),
                    ("close_periods", "Close cost-report periods"),
                    ("request_overrides", "Ask for leave to depart from a rule"),
                    ("sign_overrides", "Decide and ratify overrides, and confirm who signs them"),
                    ("view_published", "See what has been published"),
                    ("manage_access", "Give and take memberships"),
                    ("view_as", "Look at pages as another member is shown them"),
                ],
            },
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
        migrations.RunSQL(
            (SQL / "viewing.sql").read_text(), (SQL / "viewing_reverse.sql").read_text()
        ),
    ]
