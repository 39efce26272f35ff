"""Who may do what, as a table: for staff on a page, for readers in docs/reference/permissions.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, get_resolver

from apps.core.record_pages import user_may
from apps.identity.models import AmountLimit, Role
from apps.identity.permissions import PERMISSIONS

API_ROOT = "api/v1/"


def permissions_page(request: HttpRequest, site: Any) -> HttpResponse:
    """Each permission beside the roles that hold it, as they are in the database now."""
    if not user_may(request, "identity.view_roles"):
        raise PermissionDenied
    roles = list(Role.objects.order_by("code"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for code in sorted(PERMISSIONS):
        held = [code in role.permissions for role in roles]
        groups.setdefault(code.partition(".")[0], []).append({"code": code, "does": PERMISSIONS[code], "held": held})
    context = {
        **site.each_context(request),
        "title": "Permissions",
        "page_crumbs": [("Permissions", "")],
        "matrix_roles": roles,
        "matrix_groups": groups.items(),
        "matrix_limits": AmountLimit.objects.select_related("role").order_by("role__code", "permission", "-starts_at")[
            :200
        ],
    }
    return render(request, "identity/permissions.html", context)


def as_markdown() -> str:
    """docs/reference/permissions.md, whole: codes, roles of fixtures/roles.json, and the operations that need each."""
    roles = json.loads((Path(settings.BASE_DIR) / "fixtures" / "roles.json").read_text(encoding="utf-8"))
    opened = operations_by_permission()
    lines = [
        "# Permissions",
        "",
        "Written by `manage.py permission_docs` from the code and `fixtures/roles.json`; `make check` compares it.",
        "Nobody may do anything unless a role of theirs names the permission. A role's scope says how far it reaches:",
        "`own` things, the `branch`, the branch and those below it (`tree`), or `all` of the bank.",
        "",
        "## Roles",
        "",
        "| role | scope | signs in to the staff site | for |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{role['code']}` | {role['scope']} | {'yes' if role['is_staff_role'] else 'no'} | {role['description']} |"
        for role in sorted(roles, key=lambda one: one["code"])
    ]
    lines += ["", "## Permissions", "", "| permission | allows | roles | operations of the API |", "|---|---|---|---|"]
    for code in sorted(PERMISSIONS):
        holders = ", ".join(sorted(role["code"] for role in roles if code in role["permissions"])) or "none"
        uses = "<br>".join(f"`{one}`" for one in opened.get(code, [])) or "none"
        lines.append(f"| `{code}` | {PERMISSIONS[code]} | {holders} | {uses} |")
    lines += [
        "",
        "## Open to whoever is signed in",
        "",
        *(f"- `{one}`" for one in opened.get("*", [])),
        "",
        "## Open to everybody",
        "",
        *(f"- `{one}`" for one in opened.get("", [])),
        "",
    ]
    return "\n".join(lines)


def operations_by_permission() -> dict[str, list[str]]:
    """Operations ("POST /api/v1/transfers") by the permission that they need; "*" for any user, "" for everybody."""
    found: dict[str, set[str]] = {}
    for path, callback in _patterns(get_resolver(), ""):
        view = getattr(callback, "cls", None)
        if not path.startswith(API_ROOT) or view is None:
            continue
        shown = "/" + path.replace("<", "{").replace(">", "}").replace("uuid:", "").replace("str:", "")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if hasattr(view, method.lower()):
                code = "" if view.public else view.permissions.get(method, "")
                found.setdefault(code, set()).add(f"{method} {shown}")
    return {code: sorted(names, key=lambda name: name.split(" ")[::-1]) for code, names in found.items()}


def _patterns(resolver: Any, above: str) -> Any:
    for entry in resolver.url_patterns:
        path = above + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, path)
        elif isinstance(entry, URLPattern):
            yield path, entry.callback
