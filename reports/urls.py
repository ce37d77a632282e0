from django.urls import path

from reports import (
    attempt_views,
    bank_views,
    book_views,
    explain_views,
    fx_views,
    read_views,
    segment_views,
    views,
)

urlpatterns = [
    path("history/<slug:kind>/<int:key>/", book_views.history, name="history"),
    path("fx/", fx_views.fx_register, name="fx_register"),
    path("fx/rates/", fx_views.fx_rates, name="fx_rates"),
    path("segments/", segment_views.segment_list, name="segments"),
    path("segments/change/", segment_views.segment_change, name="segment_change"),
    path("bank/", bank_views.bank, name="bank"),
    path("bank/change/", bank_views.bank_change, name="bank_change"),
    path("bank/statements/<int:statement_id>/", bank_views.bank_statement, name="bank_statement"),
    path("bank/lines/<int:line_id>/", bank_views.bank_line, name="bank_line"),
    path("attempts/", attempt_views.attempts, name="attempts"),
    path("query-log/", read_views.query_log, name="query_log"),
    path("query-log/export/", read_views.query_log_export, name="query_log_export"),
    path("cost-report/", views.cost_report, name="cost_report"),
    path("accounts/<str:account_code>/", views.account_lines, name="account_lines"),
    path("transactions/<slug:transaction_id>/", views.transaction, name="transaction"),
    path("transactions/<slug:transaction_id>/attach/", views.attach, name="attach"),
    path(
        "transactions/<slug:transaction_id>/reverse/",
        views.reverse_document,
        name="reverse_document",
    ),
    path(
        "transactions/<slug:transaction_id>/reissue/",
        views.reissue_document,
        name="reissue_document",
    ),
    path(
        "transactions/<slug:transaction_id>/redistribute/", views.redistribute, name="redistribute"
    ),
    path("periods/", book_views.period_list, name="periods"),
    path("periods/<int:number>/close/", book_views.close_period, name="close_period"),
    path("trial-balance/", book_views.trial_balance, name="trial_balance"),
    path("bible/", book_views.bible, name="bible"),
    path("attachments/", views.attachments, name="attachments"),
    path("attachments/<int:attachment_id>/", views.attachment, name="attachment"),
    path("attachments/<int:attachment_id>/file/", views.attachment_file, name="attachment_file"),
    path(
        "attachments/<int:attachment_id>/withdraw/",
        views.withdraw_attachment,
        name="withdraw_attachment",
    ),
    path("audit/", views.audit, name="audit"),
    path("access/explain/", explain_views.explain, name="explain"),
    path("audit/<str:unit_code>/<int:seq>/", views.audit_entry, name="audit_entry"),
    path("forecast/<str:account_code>/", views.forecast, name="forecast"),
    path("forecast/<str:account_code>/enter/", views.forecast_enter, name="forecast_enter"),
]
