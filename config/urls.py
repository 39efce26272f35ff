"""Pages and the API. The API's own list is `config.api`."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from apps.core.metrics import metrics
from config.routing import api_routes

urlpatterns: list[URLPattern | URLResolver] = [
    api_routes("api/v1/", "config.api"),  # first: most requests are for it
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("account/", include("apps.identity.public_pages")),
    path("metrics", metrics),
]

if settings.ANYMAIL.get("WEBHOOK_SECRET"):
    urlpatterns.append(path("anymail/", include("anymail.urls")))  # what became of mail, signed by the secret

handler400 = "apps.core.api.problems.bad_request"
handler403 = "apps.core.api.problems.permission_denied"
handler404 = "apps.core.api.problems.not_found"
handler500 = "apps.core.api.problems.server_error"
