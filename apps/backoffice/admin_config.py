"""Configures Django's admin with our site. Apart from apps.py, where Django would take it for the app's own."""

from django.contrib.admin.apps import AdminConfig


class StaffSiteConfig(AdminConfig):
    """Stands for `django.contrib.admin` in INSTALLED_APPS, so that `admin.site` is ours."""

    default_site = "apps.backoffice.site.StaffSite"
