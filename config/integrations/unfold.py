"""Settings of the staff site's toolkit. All that depends on the user is computed in apps.backoffice."""

from typing import Any

from config.env import Env

# A calm blue; Unfold makes the light and the dark theme from it.
PRIMARY = {
    "50": "#eff5ff",
    "100": "#dbe7fe",
    "200": "#bfd5fe",
    "300": "#93b8fd",
    "400": "#6094fa",
    "500": "#3b72f6",
    "600": "#1f55e0",
    "700": "#1a45c2",
    "800": "#1c3b9b",
    "900": "#1c367a",
    "950": "#16224b",
}


def unfold_settings(env: Env) -> dict[str, Any]:
    """The value of UNFOLD: own files only, nothing fetched from outside."""
    return {
        "SITE_TITLE": env.bank_name,
        "SITE_HEADER": env.bank_name,
        "SITE_SUBHEADER": "apps.backoffice.navigation.site_subheader",
        "SITE_URL": None,
        "SITE_SYMBOL": "account_balance",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "apps.backoffice.assets.favicon"}],
        "SHOW_HISTORY": True,
        "SHOW_VIEW_ON_SITE": False,
        "BORDER_RADIUS": "6px",
        "COLORS": {"primary": PRIMARY},
        "ENVIRONMENT": "apps.backoffice.navigation.environment_badge",
        "DASHBOARD_CALLBACK": "apps.backoffice.dashboard.dashboard_context",
        "GLOBAL_CALLBACK": "apps.backoffice.navigation.page_context",
        "STYLES": ["apps.backoffice.assets.style"],
        "SCRIPTS": ["apps.backoffice.assets.script"],
        "COMMAND": {"search_models": False, "show_history": False},
        "SIDEBAR": {
            "show_search": True,
            "command_search": True,
            "show_all_applications": False,
            "navigation": "apps.backoffice.navigation.sidebar",
        },
    }
