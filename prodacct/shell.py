"""What every page carries: the production, and the screens its person may open."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from access import roles
from alerts import selectors as told
from ingestion import selectors, waiting
from ingestion.desk import asking
from overrides import screens as approvals

RECORDED = "recorded"  # not an action: whoever's every request is recorded sees the record
# (screen, label, key after g, action that opens it, or several of which one does)
SCREENS = (
    ("cost_report", "Cost report", "c", "view_costs"),
    ("budget", "Budget", "b", "view_all_costs"),
    ("overrides", "Overrides", "", "sign_overrides"),
    ("asked", "Requests", "", "request_overrides"),
    ("imports", "Import", "i", "import_files"),
    ("quarantine", "Quarantine", "q", "resolve_quarantine"),
    ("feeds", "Feeds", "", "import_files"),
    ("dead_letters", "Dead letters", "", "import_files"),
    ("questions", "Questions", "", "view_costs"),
    ("cost_tree", "Cost codes", "t", "view_costs"),
    ("segments", "Segments", "", "view_costs"),
    ("attachments", "Attachments", "", "import_files"),
    ("orders", "Orders", "o", "view_costs"),
    ("invoices", "Invoices", "n", "view_costs"),
    ("payments", "Payments", "y", "view_costs"),
    ("journals", "Journals", "j", "view_all_costs"),
    ("bank", "Bank", "", "import_files"),
    ("funds", "Petty cash", "h", "view_costs"),
    ("vendors", "Vendors", "v", "post_entries"),
    ("bible", "Bible", "k", "view_costs"),
    ("trial_balance", "Trial balance", "l", "view_all_costs"),
    ("periods", "Periods", "p", "view_all_costs"),
    ("audit", "Audit", "a", "view_costs"),
    ("explain", "Explain", "", "manage_access"),
    ("query_log", "Query log", "", {"view_all_costs", "manage_access", RECORDED}),
    ("attempts", "Refused", "", "manage_access"),
    ("fx_register", "FX register", "", "view_all_costs"),
    ("people", "People", "", "manage_access"),
    ("view_as", "View as", "", {"view_as", "manage_access"}),
)
_HOME = {
    "account_lines": "cost_report",
    "transaction": "cost_report",
    "attach": "cost_report",
    "attachment": "attachments",
    "withdraw_attachment": "attachments",
    "audit_entry": "audit",
    "forecast": "cost_report",
    "budget_version": "budget",
    "budget_change": "budget",
    "asked_one": "asked",
    "asked_document": "asked",
    "override": "overrides",
    "override_new": "overrides",
    "override_document": "overrides",
    "override_decide": "overrides",
    "signers": "overrides",
    "signer_change": "overrides",
    "import_detail": "imports",
    "import_cancel": "imports",
    "import_mapping": "imports",
    "mappings": "imports",
    "threshold_set": "dead_letters",
    "feed_step": "feeds",
    "quarantined_row": "quarantine",
    "quarantine_cause": "quarantine",
    "quarantine_act": "quarantine",
    "quarantine_ask": "quarantine",
    "question": "questions",
    "quarantine_upload": "quarantine",
    "cost_node": "cost_tree",
    "append_node": "cost_tree",
    "reverse_document": "cost_report",
    "reissue_document": "cost_report",
    "redistribute": "cost_report",
    "close_period": "periods",
    "order": "orders",
    "order_new": "orders",
    "order_amend": "orders",
    "order_approve": "orders",
    "order_send_back": "orders",
    "order_step": "orders",
    "invoice_new": "invoices",
    "payment_new": "payments",
    "journal_new": "journals",
    "paper": "invoices",
    "paper_void": "invoices",
    "fund": "funds",
    "fund_new": "funds",
    "fund_move": "funds",
    "envelope_new": "funds",
    "fund_close": "funds",
    "fx_rates": "fx_register",
    "segment_change": "segments",
    "view_as_begin": "view_as",
    "person": "people",
    "person_invite": "people",
    "person_end": "people",
    "bank_change": "bank",
    "bank_statement": "bank",
    "bank_line": "bank",
}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The production and the left-hand list, for pages below a production."""
    membership = getattr(request, "membership", None)
    actions: frozenset[str] = getattr(request, "actions", frozenset())
    viewing = getattr(request, "viewing", None)
    if membership is None:
        return {"production": None, "nav": [], "viewing": viewing}
    code = membership.production.code
    match = request.resolver_match
    here = (match.url_name or "") if match else ""
    here = _HOME.get(here, here)
    counts: dict[str, int | None] = {}
    if "resolve_quarantine" in actions:
        counts["quarantine"] = selectors.held_count(membership.production)
    if "import_files" in actions:
        counts["dead_letters"] = waiting.letters_waiting(membership.production) or None
    if "view_costs" in actions:
        asked = asking.open_questions(membership.production, membership.user)
        counts["questions"] = asked or None
    if "sign_overrides" in actions:
        waits = approvals.waiting(membership.production, membership.user, membership.role)
        counts["overrides"] = len(waits) or None
    is_recorded = membership.role in roles.READ_LOGGED
    opening = actions | {RECORDED} if is_recorded else actions
    nav = [
        {
            "label": label,
            "url": reverse(screen, args=[code]),
            "key": key,
            "count": counts.get(screen),
            "current": screen == here,
        }
        for screen, label, key, action in SCREENS
        if opening & ({action} if isinstance(action, str) else action)
        # Who signs finds what they asked for among what they sign.
        and not (screen == "asked" and "sign_overrides" in actions)
    ]
    bell = None
    if actions & {"import_files", "sign_overrides", "manage_access"}:
        bell = {
            "url": reverse("alerts", args=[code]),
            "count": told.unread_alerts(membership.production, membership.user),
        }
    return {
        "production": membership.production,
        "nav": nav,
        "bell": bell,
        "viewing": viewing,
    }
