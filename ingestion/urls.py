from django.urls import path

from ingestion import desk_views, views

urlpatterns = [
    path("imports/", views.imports, name="imports"),
    path("imports/<int:import_id>/", views.import_detail, name="import_detail"),
    path("imports/<int:import_id>/status/", views.import_status, name="import_status"),
    path("sources/<slug:sha256>/", views.source_file, name="source_file"),
    path("quarantine/", desk_views.quarantine, name="quarantine"),
    path("quarantine/<int:row_id>/", desk_views.quarantined_row, name="quarantined_row"),
]
