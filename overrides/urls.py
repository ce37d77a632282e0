from django.urls import path

from overrides import views

urlpatterns = [
    path("overrides/", views.overrides, name="overrides"),
    path("overrides/new/", views.override_new, name="override_new"),
    path("overrides/signers/", views.signers, name="signers"),
    path("overrides/signers/change/", views.signer_change, name="signer_change"),
    path("overrides/<int:number>/", views.override, name="override"),
    path("overrides/<int:number>/document/", views.override_document, name="override_document"),
    path("overrides/<int:number>/decide/", views.override_decide, name="override_decide"),
]
