from django.urls import path

from access import views

urlpatterns = [
    path("", views.productions, name="productions"),
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("p/<slug:code>/", views.landing, name="landing"),
]
