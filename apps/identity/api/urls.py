"""Routes of identity."""

from django.urls import path

from apps.identity.api import views

app_name = "identity"

urlpatterns = [
    path("auth/register", views.RegisterView.as_view(), name="register"),
    path("auth/login", views.LoginView.as_view(), name="login"),
    path("auth/refresh", views.RefreshView.as_view(), name="refresh"),
    path("auth/logout", views.LogoutView.as_view(), name="logout"),
    path("users/me", views.MeView.as_view(), name="me"),
    path("users", views.UsersView.as_view(), name="users"),
    path("users/<uuid:user_id>", views.UserView.as_view(), name="user"),
    path("branches", views.BranchesView.as_view(), name="branches"),
    path("roles", views.RolesView.as_view(), name="roles"),
]
