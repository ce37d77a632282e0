from django.urls import path

from overrides import views

urlpatterns = [
    path("overrides/", views.overrides, name="overrides"),
    path("overrides/new/", views.override_new, name="override_new"),
    path("overrides/asked/", views.asked, name="asked"),
    path("overrides/asked/<int:number>/", views.asked_one, name="asked_one"),
    path("overrides/asked/<int:number>/document/", views.asked_document, name="asked_document"),
    path("overrides/signers/", views.signers, name="signers"),
    path("overrides/signers/change/", views.signer_change, name="signer_change"),
    path("overrides/<int:number>/", views.override, name="override"),
    path("overrides/<int:number>/document/", views.override_document, name="override_document"),
    path("overrides/<int:number>/decide/", views.override_decide, name="override_decide"),
]
