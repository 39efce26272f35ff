"""Routes of identity."""

from django.urls import path

from apps.identity.api import access_views, account_views, factor_views, key_views, staff_views, views

app_name = "identity"

urlpatterns = [
    path("auth/register", views.RegisterView.as_view(), name="register"),
    path("auth/login", views.LoginView.as_view(), name="login"),
    path("auth/refresh", views.RefreshView.as_view(), name="refresh"),
    path("auth/logout", views.LogoutView.as_view(), name="logout"),
    path("auth/mfa/code", factor_views.MfaCodeView.as_view(), name="mfa-code"),
    path("auth/mfa/verify", factor_views.MfaVerifyView.as_view(), name="mfa-verify"),
    path("auth/step-up", factor_views.StepUpView.as_view(), name="step-up"),
    path("auth/step-up/verify", factor_views.StepUpVerifyView.as_view(), name="step-up-verify"),
    path("auth/factors", factor_views.FactorsView.as_view(), name="factors"),
    path("auth/factors/<uuid:factor_id>", factor_views.FactorView.as_view(), name="factor"),
    path("auth/factors/<uuid:factor_id>/confirmation", factor_views.FactorConfirmView.as_view(), name="factor-confirm"),
    path("auth/recovery-codes", factor_views.RecoveryCodesView.as_view(), name="recovery-codes"),
    path("auth/sessions", account_views.SessionsView.as_view(), name="sessions"),
    path("auth/sessions/end-others", account_views.OtherSessionsView.as_view(), name="sessions-end"),
    path("auth/sessions/<uuid:session_id>", account_views.SessionView.as_view(), name="session"),
    path("auth/password/change", account_views.PasswordChangeView.as_view(), name="password-change"),
    path("auth/password/forgotten", account_views.PasswordForgottenView.as_view(), name="password-forgotten"),
    path("auth/password/reset", account_views.PasswordResetView.as_view(), name="password-reset"),
    path("auth/email/confirm", account_views.EmailConfirmView.as_view(), name="email-confirm"),
    path("auth/email/resend", account_views.EmailResendView.as_view(), name="email-resend"),
    path("api-keys", key_views.ApiKeysView.as_view(), name="api-keys"),
    path("api-keys/<uuid:key_id>/revocation", key_views.ApiKeyRevocationView.as_view(), name="api-key-revoke"),
    path("users/me", views.MeView.as_view(), name="me"),
    path("users", staff_views.UsersView.as_view(), name="users"),
    path("users/<uuid:user_id>", staff_views.UserView.as_view(), name="user"),
    path("users/<uuid:user_id>/branch", staff_views.UserBranchView.as_view(), name="user-branch"),
    path("users/<uuid:user_id>/invitation", staff_views.UserInvitationView.as_view(), name="user-invitation"),
    path("users/<uuid:user_id>/reactivation", staff_views.UserReactivationView.as_view(), name="user-reactivate"),
    path("users/<uuid:user_id>/roles", access_views.UserRolesView.as_view(), name="user-roles"),
    path("users/<uuid:user_id>/deactivation", access_views.UserDeactivationView.as_view(), name="user-deactivate"),
    path("users/<uuid:user_id>/factors-reset", access_views.FactorsResetView.as_view(), name="factors-reset"),
    path("branches", views.BranchesView.as_view(), name="branches"),
    path("roles", views.RolesView.as_view(), name="roles"),
    path("roles/<uuid:role_id>", access_views.RoleView.as_view(), name="role"),
    path("roles/<uuid:role_id>/permissions", access_views.RolePermissionsView.as_view(), name="role-permissions"),
    path("amount-limits", access_views.AmountLimitsView.as_view(), name="amount-limits"),
]
