"""Routes of the notifications."""

from django.urls import path

from apps.notifications.api import views

app_name = "notifications"

urlpatterns = [
    path("notifications", views.NotificationsView.as_view(), name="notifications"),
    path("notifications/unread", views.UnreadView.as_view(), name="unread"),
    path("notifications/read", views.ReadAllView.as_view(), name="read-all"),
    path("notifications/preferences", views.PreferencesView.as_view(), name="preferences"),
    path("notifications/rhythm", views.RhythmView.as_view(), name="rhythm"),
    path("notifications/push-key", views.PushKeyView.as_view(), name="push-key"),
    path("notifications/subscriptions", views.SubscriptionsView.as_view(), name="subscriptions"),
    path("notifications/subscriptions/<uuid:subscription_id>", views.SubscriptionView.as_view(), name="subscription"),
    path("notifications/deliveries", views.DeliveriesView.as_view(), name="deliveries"),
    path("notifications/deliveries/<uuid:delivery_id>", views.DeliveryView.as_view(), name="delivery"),
    path("notifications/deliveries/<uuid:delivery_id>/retry", views.DeliveryRetryView.as_view(), name="delivery-retry"),
    path("notifications/suppressions", views.SuppressionsView.as_view(), name="suppressions"),
    path(
        "notifications/suppressions/<uuid:suppression_id>/lift",
        views.SuppressionLiftView.as_view(),
        name="suppression-lift",
    ),
    path("notifications/reports/<slug:provider>", views.ReportsView.as_view(), name="reports"),
    path("notifications/<uuid:notification_id>", views.NotificationView.as_view(), name="notification"),
    path("notifications/<uuid:notification_id>/read", views.ReadView.as_view(), name="read"),
]
