from django.urls import path

from budgets import views

urlpatterns = [
    path("budget/", views.budget, name="budget"),
    path("budget/upload/", views.budget_upload, name="budget_upload"),
    path("budget/<int:number>/", views.budget_version, name="budget_version"),
    path("budget/<int:number>/approve/", views.budget_approve, name="budget_approve"),
    path("budget/<int:number>/lock/", views.budget_lock, name="budget_lock"),
    path("budget/changes/", views.budget_request, name="budget_request"),
    path("budget/changes/<int:number>/", views.budget_change, name="budget_change"),
    path("budget/changes/<int:number>/decide/", views.budget_decide, name="budget_decide"),
]
