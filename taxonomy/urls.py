from django.urls import path

from taxonomy import views

urlpatterns = [
    path("cost-tree/", views.cost_tree, name="cost_tree"),
    path("cost-tree/<int:node_id>/", views.cost_node, name="cost_node"),
    path("cost-tree/<int:node_id>/append/", views.append_node, name="append_node"),
]
