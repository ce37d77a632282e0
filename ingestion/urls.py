from django.urls import path

from ingestion.views import desk, feeds, imports, mappings, questions, queue, uploads

urlpatterns = [
    path("imports/", imports.imports, name="imports"),
    path("imports/upload/", uploads.upload_begin, name="upload_begin"),
    path("imports/upload/<int:upload_id>/", uploads.upload_piece, name="upload_piece"),
    path("imports/upload/<int:upload_id>/end/", uploads.upload_end, name="upload_end"),
    path("imports/<int:import_id>/", imports.import_detail, name="import_detail"),
    path("imports/<int:import_id>/status/", imports.import_status, name="import_status"),
    path("imports/<int:import_id>/cancel/", queue.import_cancel, name="import_cancel"),
    path("imports/<int:import_id>/mapping/", mappings.import_mapping, name="import_mapping"),
    path("mappings/", mappings.registry, name="mappings"),
    path("dead-letters/", queue.dead_letters, name="dead_letters"),
    path("dead-letters/limit/", queue.threshold_set, name="threshold_set"),
    path("alerts/", feeds.alerts_page, name="alerts"),
    path("alerts/webhook/", feeds.hook_set, name="hook_set"),
    path("feeds/", feeds.feeds_page, name="feeds"),
    path("feeds/<int:feed_id>/", feeds.feed_step, name="feed_step"),
    path("feeds/<int:feed_id>/terms/", feeds.feed, name="feed"),
    path("sources/<slug:sha256>/", imports.source_file, name="source_file"),
    path("quarantine/", desk.quarantine, name="quarantine"),
    path("quarantine/cause/", desk.quarantine_cause, name="quarantine_cause"),
    path("quarantine/export/", desk.quarantine_export, name="quarantine_export"),
    path("quarantine/upload/", desk.quarantine_upload, name="quarantine_upload"),
    path("quarantine/ask/", questions.quarantine_ask, name="quarantine_ask"),
    path("questions/", questions.questions, name="questions"),
    path("questions/<int:question_id>/", questions.question, name="question"),
    path("quarantine/acts/<int:act_id>/", desk.quarantine_act, name="quarantine_act"),
    path(
        "quarantine/acts/<int:act_id>/status/",
        desk.quarantine_act_status,
        name="quarantine_act_status",
    ),
    path("quarantine/<int:row_id>/", desk.quarantined_row, name="quarantined_row"),
]
