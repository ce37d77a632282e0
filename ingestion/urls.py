from django.urls import path

from ingestion import (
    desk_views,
    mapping_views,
    question_views,
    queue_views,
    told_views,
    views,
)

urlpatterns = [
    path("imports/", views.imports, name="imports"),
    path("imports/<int:import_id>/", views.import_detail, name="import_detail"),
    path("imports/<int:import_id>/status/", views.import_status, name="import_status"),
    path("imports/<int:import_id>/cancel/", queue_views.import_cancel, name="import_cancel"),
    path("imports/<int:import_id>/mapping/", mapping_views.import_mapping, name="import_mapping"),
    path("mappings/", mapping_views.registry, name="mappings"),
    path("dead-letters/", queue_views.dead_letters, name="dead_letters"),
    path("dead-letters/limit/", queue_views.threshold_set, name="threshold_set"),
    path("alerts/", told_views.alerts_page, name="alerts"),
    path("alerts/webhook/", told_views.hook_set, name="hook_set"),
    path("feeds/", told_views.feeds_page, name="feeds"),
    path("feeds/<int:feed_id>/", told_views.feed_step, name="feed_step"),
    path("sources/<slug:sha256>/", views.source_file, name="source_file"),
    path("quarantine/", desk_views.quarantine, name="quarantine"),
    path("quarantine/cause/", desk_views.quarantine_cause, name="quarantine_cause"),
    path("quarantine/export/", desk_views.quarantine_export, name="quarantine_export"),
    path("quarantine/upload/", desk_views.quarantine_upload, name="quarantine_upload"),
    path("quarantine/ask/", question_views.quarantine_ask, name="quarantine_ask"),
    path("questions/", question_views.questions, name="questions"),
    path("questions/<int:question_id>/", question_views.question, name="question"),
    path("quarantine/acts/<int:act_id>/", desk_views.quarantine_act, name="quarantine_act"),
    path(
        "quarantine/acts/<int:act_id>/status/",
        desk_views.quarantine_act_status,
        name="quarantine_act_status",
    ),
    path("quarantine/<int:row_id>/", desk_views.quarantined_row, name="quarantined_row"),
]
