"""Every address of the product. Who may use which stands in access/roles.py."""

from django.urls import include, path

urlpatterns = [
    path("", include("access.urls")),
    path("p/<slug:code>/", include("taxonomy.urls")),
    path("p/<slug:code>/", include("budgets.urls")),
    path("p/<slug:code>/", include("overrides.urls")),
    path("p/<slug:code>/", include("ingestion.urls")),
    path("p/<slug:code>/", include("purchasing.urls")),
    path("p/<slug:code>/", include("reports.urls")),
]
handler404 = "access.views.not_found"
