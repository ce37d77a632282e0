"""Who may do what: one table of role x action, and the action every URL asks for.

Pure: no Django. The role table is turned into guardian grants when a membership is given
(access/services.py); the grants, not the role's name, are what the database policies read.
"""

from typing import Final

# Actions are guardian permissions on a production.
ACTIONS: Final = {
    "view_costs": "See costs of the cost centres one has been given",
    "view_all_costs": "See every cost centre of the production",
    "view_pay": "See names on payroll lines, pay rates and what else is personal",
    "import_files": "Receive cost documents and read them as they came",
    "resolve_quarantine": "Fix, resubmit and reject held rows",
    "post_entries": "Enter orders, invoices, payments, journals and corrections",
    "approve_orders": "Approve purchase orders and budget versions",
    "close_periods": "Close cost-report periods",
    "request_overrides": "Ask for leave to depart from a rule",
    "sign_overrides": "Decide and ratify overrides, and confirm who signs them",
    "view_published": "See what has been published",
    "manage_access": "Give and take memberships",
    "view_as": "Look at pages as another member is shown them",
}

_SIGNING: Final = frozenset({"request_overrides", "sign_overrides"})
_PAYROLL: Final = frozenset(
    {
        "view_costs",
        "view_all_costs",
        "view_pay",
        "import_files",
        "resolve_quarantine",
        "view_published",
    }
)
_ACCOUNTING: Final = (
    _PAYROLL | {"post_entries", "approve_orders", "close_periods", "view_as"} | _SIGNING
)

ROLES: Final = {
    "production_accountant": ("Production accountant", _ACCOUNTING),
    "payroll": ("Payroll accountant", _PAYROLL),
    "line_producer": (
        "Line producer",
        frozenset({"view_costs", "view_all_costs", "view_pay", "approve_orders", "view_published"})
        | _SIGNING,
    ),
    "department_head": ("Department head", frozenset({"view_costs", "request_overrides"})),
    "bond_representative": ("Bond representative", frozenset({"view_published", "sign_overrides"})),
    "studio_executive": ("Studio executive", frozenset({"view_published", "sign_overrides"})),
    "administrator": ("Administrator", frozenset({"manage_access"})),
    "auditor": ("Auditor", frozenset({"view_costs", "view_all_costs", "view_published"})),
}

# Whose every request is an entry of the read log, or is not answered (readlog/middleware.py).
READ_LOGGED: Final = frozenset({"bond_representative", "auditor"})
# Who changes nothing on a production, whatever else their actions open.
READ_ONLY: Final = frozenset({"auditor"})

# Who must have proved a second factor before a production's page opens: whoever may post, approve,
# sign or see pay, a department's included. Today that is every role; a new one that only reads what
# is published may stay out.
SECOND_FACTOR: Final = frozenset(ROLES)

# What weighs: whoever does it has proved who they are of late (access/stepup.py, decision 42).
WEIGHTY: Final = frozenset(
    {
        "import_files",
        "resolve_quarantine",
        "post_entries",
        "approve_orders",
        "close_periods",
        "request_overrides",
    }
)
# Pages on which something weighty is typed, among those that also only show: asked for before.
WEIGHTY_FORMS: Final = frozenset(
    {
        "imports",
        "import_mapping",
        "mappings",
        "attachments",
        "quarantined_row",
        "quarantine_cause",
    }
)
_ONLY_READ: Final = frozenset({"import_files", "resolve_quarantine"})
# Each goes on with what was begun under a proof.
_GOES_ON: Final = frozenset({"upload_piece", "upload_end"})

# Anybody: no login. Enrolling: signed in, though perhaps by the password alone. Person: any person
# who is signed in as their roles ask. Member: any member of the production.
ANYBODY: Final = "anybody"
ENROLLING: Final = "enrolling"
PERSON: Final = "person"
MEMBER: Final = "member"

# Every URL has a line; a URL without one is refused, and a test fails.
URL_ACTIONS: Final = {
    "login": ANYBODY,
    "account_login": ANYBODY,
    "login_again": ANYBODY,
    "mfa_authenticate": ANYBODY,
    "mfa_login_webauthn": ANYBODY,
    "password_forgotten": ANYBODY,
    "password_reset": ANYBODY,
    "password_reset_begin": ANYBODY,
    "join": ANYBODY,
    "join_begin": ANYBODY,
    "logout": ENROLLING,
    "account_logout": ENROLLING,
    "account_reauthenticate": ENROLLING,
    "mfa_reauthenticate": ENROLLING,
    "mfa_reauthenticate_webauthn": ENROLLING,
    "mfa_index": ENROLLING,
    "mfa_list_webauthn": ENROLLING,
    "mfa_add_webauthn": ENROLLING,
    "mfa_remove_webauthn": ENROLLING,
    "mfa_activate_totp": ENROLLING,
    "mfa_deactivate_totp": ENROLLING,
    "mfa_view_recovery_codes": ENROLLING,
    "mfa_generate_recovery_codes": ENROLLING,
    "address": PERSON,
    "address_begin": PERSON,
    "address_confirm": PERSON,
    "sessions": PERSON,
    "session_end": PERSON,
    "productions": PERSON,
    "landing": MEMBER,
    "query_log": MEMBER,
    "query_log_export": MEMBER,
    "attempts": "manage_access",
    "view_as": MEMBER,  # begins for who may; views of others are the database's to show
    "view_as_begin": "view_as",
    "view_as_stop": MEMBER,
    "imports": "import_files",
    "upload_begin": "import_files",
    "upload_piece": "import_files",
    "upload_end": "import_files",
    "import_detail": "import_files",
    "import_status": "import_files",
    "import_cancel": "import_files",
    "import_mapping": "import_files",
    "mappings": "import_files",
    "dead_letters": "import_files",
    "threshold_set": "import_files",
    "alerts": MEMBER,  # what each is told is the database's to say
    "hook_set": "import_files",
    "feeds": "import_files",
    "feed_step": "import_files",
    "feed": "import_files",
    "source_file": "import_files",
    "quarantine": "resolve_quarantine",
    "quarantined_row": "resolve_quarantine",
    "quarantine_cause": "resolve_quarantine",
    "quarantine_export": "resolve_quarantine",
    "quarantine_upload": "resolve_quarantine",
    "quarantine_ask": "resolve_quarantine",
    "questions": "view_costs",
    "question": "view_costs",
    "quarantine_act": "resolve_quarantine",
    "quarantine_act_status": "resolve_quarantine",
    "cost_report": "view_costs",
    "account_lines": "view_costs",
    "transaction": "view_costs",
    "cost_tree": "view_costs",
    "cost_node": "view_costs",
    "append_node": "post_entries",
    "fx_register": "view_all_costs",
    "fx_rates": "post_entries",
    "attach": "view_costs",
    "attachments": "import_files",
    "attachment": "view_costs",
    "attachment_file": "view_costs",
    "withdraw_attachment": "view_costs",
    "audit": "view_costs",
    "audit_entry": "view_costs",
    "explain": "manage_access",
    "orders": "view_costs",
    "order_new": "post_entries",
    "order": "view_costs",
    "order_amend": "post_entries",
    "order_approve": "approve_orders",
    "order_send_back": "approve_orders",
    "order_step": "post_entries",
    "vendors": "post_entries",
    "segments": "view_costs",
    "segment_change": "post_entries",
    "bank": "import_files",
    "bank_change": "post_entries",
    "bank_statement": "import_files",
    "bank_line": "import_files",
    "invoices": "view_costs",
    "invoice_new": "post_entries",
    "payments": "view_costs",
    "payment_new": "post_entries",
    "journals": "view_costs",
    "journal_new": "post_entries",
    "paper": "view_costs",
    "paper_void": "post_entries",
    "funds": "view_costs",
    "fund_new": "post_entries",
    "fund": "view_costs",
    "fund_move": "post_entries",
    "envelope_new": "post_entries",
    "fund_close": "post_entries",
    "reverse_document": "post_entries",
    "reissue_document": "post_entries",
    "redistribute": "post_entries",
    "periods": "view_all_costs",
    "close_period": "close_periods",
    "trial_balance": "view_all_costs",
    "bible": "view_costs",
    "history": "view_costs",
    "forecast": "view_costs",
    "forecast_enter": "post_entries",
    "overrides": "sign_overrides",
    "override": "sign_overrides",
    "override_document": "sign_overrides",
    "override_decide": "sign_overrides",
    "override_new": "request_overrides",
    "asked": "view_costs",  # nobody finds more there than they asked for themselves
    "asked_one": "view_costs",
    "asked_document": "view_costs",
    "signers": "sign_overrides",
    "signer_change": "sign_overrides",
    "people": "manage_access",
    "person_invite": "manage_access",
    "person": "manage_access",
    "person_end": "manage_access",
    "invitation_withdraw": "manage_access",
    "budget": "view_all_costs",
    "budget_upload": "post_entries",
    "budget_version": "view_all_costs",
    "budget_approve": "approve_orders",
    "budget_lock": "approve_orders",
    "budget_request": "post_entries",
    "budget_change": "view_all_costs",
    "budget_decide": "approve_orders",
}
# What is not shown to who looks at pages as another: signing is one's own (readlog/view_as.py).
NOT_VIEWED: Final = frozenset(
    {"override", "override_decide", "override_new", "signers", "signer_change"}
)
# Where a file for one cost is handed in, which is smaller than a vendor's may be.
URLS_OF_ATTACHMENTS: Final = frozenset({"attach", "attachments"})


def actions_of(role: str) -> frozenset[str]:
    """The actions a role grants. KeyError for a role that does not exist."""
    return ROLES[role][1]


def weighs(url_name: str, *, is_form: bool) -> bool:
    """Whether an address asks for a late proof: when it is sent to, or where its form is opened."""
    action = URL_ACTIONS.get(url_name, "")
    if action not in WEIGHTY or url_name in _GOES_ON:
        return False
    return not is_form or url_name in WEIGHTY_FORMS or action not in _ONLY_READ


def label_of(role: str) -> str:
    """The role as people say it."""
    return ROLES[role][0]
