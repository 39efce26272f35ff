"""Routes of members. A member's accounts are a route of accounts."""

from django.urls import path

from apps.members.api import views

app_name = "members"

urlpatterns = [
    path("members", views.MembersView.as_view(), name="members"),
    path("members/lookup", views.MemberLookupView.as_view(), name="member-lookup"),
    path("members/<uuid:member_id>", views.MemberView.as_view(), name="member"),
    path("members/<uuid:member_id>/status", views.MemberStatusView.as_view(), name="member-status"),
    path("members/<uuid:member_id>/reveal", views.MemberRevealView.as_view(), name="member-reveal"),
]
