from django.urls import path

from taxonomy import join_views, people_views, views

urlpatterns = [
    path("cost-tree/", views.cost_tree, name="cost_tree"),
    path("cost-tree/<int:node_id>/", views.cost_node, name="cost_node"),
    path("cost-tree/<int:node_id>/append/", views.append_node, name="append_node"),
    path("people/", people_views.people, name="people"),
    path("people/invite/", people_views.person_invite, name="person_invite"),
    path("people/<int:person_id>/", people_views.person, name="person"),
    path("people/<int:person_id>/end/", people_views.person_end, name="person_end"),
    path(
        "people/invitations/<int:invitation_id>/withdraw/",
        people_views.invitation_withdraw,
        name="invitation_withdraw",
    ),
    path("join/", join_views.join, name="join"),
    path("join/<str:token>/", join_views.join_begin, name="join_begin"),
]
