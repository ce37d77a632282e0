"""Which addresses of the web take what: what may be posted to, and how signing in answers."""

UPLOAD_ADDRESSES = ("upload_piece", "upload_end")
# What may be posted to; a POST anywhere else is refused by its method.
ONLY_POSTED_TO = (
    "logout", "append_node", "attach", "withdraw_attachment", "order_approve", "order_send_back",
    "order_step", "paper_void", "fund_move", "fund_close", "reverse_document",
    "reissue_document", "redistribute", "fx_rates", "forecast_enter", "budget_upload",
    "segment_change", "bank_change", "quarantine_upload", "quarantine_ask", "import_cancel",
    "threshold_set", "hook_set", "feed_step", *UPLOAD_ADDRESSES, "upload_begin",
    "budget_approve", "budget_lock", "budget_request", "budget_decide", "account_logout",
    "login_again", "session_end",
    "view_as_begin", "view_as_stop",
    "override_decide", "signer_change", "person_end", "invitation_withdraw",
)  # fmt: skip
# allauth's pages answer a form that is wrong with the form; what is not set up is not there; and
# whoever has no password and no key, as the cast, cannot prove who they are.
SIGNING_IN = {
    "login": {200, 302}, "account_login": {200, 302}, "login_again": {302},
    "mfa_authenticate": {302}, "mfa_login_webauthn": {302}, "logout": {302},
    "account_logout": {302}, "account_reauthenticate": {403}, "mfa_reauthenticate": {403},
    "mfa_reauthenticate_webauthn": {403}, "mfa_deactivate_totp": {404},
    "mfa_remove_webauthn": {404}, "mfa_view_recovery_codes": {404},
    "mfa_generate_recovery_codes": {200, 302}, "mfa_add_webauthn": {200, 302},
    "mfa_activate_totp": {200, 302}, "password_forgotten": {200, 429}, "password_reset": {410, 429},
    "password_reset_begin": {302}, "join": {410, 429}, "join_begin": {302},
    "address_begin": {302}, "address_confirm": {200, 410},
}  # fmt: skip
SIGNING_IN_POSTED_TO = tuple(
    name
    for name in SIGNING_IN
    if name
    not in (
        "logout",
        "account_logout",
        "login_again",
        "mfa_view_recovery_codes",
        "join_begin",
        "address_begin",
        "password_reset_begin",
    )
)
POSTED_TO = (
    *SIGNING_IN_POSTED_TO,
    "imports", "quarantined_row", "dead_letters", "import_mapping", "mappings",
    "attachments", "order_new", "order_amend", "vendors", "quarantine_cause", "quarantine_act",
    "question", "alerts", "address", "feeds", "feed",
    "override_new", "person", "person_invite",
    "invoice_new", "payment_new", "journal_new", "fund_new", "envelope_new", "close_period",
    *ONLY_POSTED_TO,
)  # fmt: skip
