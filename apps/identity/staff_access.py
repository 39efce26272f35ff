"""Pages of the staff site on which rights are changed: users, their roles, what a role allows, its limits by amount.

Each asks for the second factor first (NUMINA["STAFF_DANGEROUS"]), wants a reason, and says so when the change waits for
somebody else. Mixed into the admin classes of users and roles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.core import clock
from apps.core.errors import DomainError, ValidationFailed
from apps.core.record_pages import RecordPages, user_may
from apps.core.text import ungrouped
from apps.identity import services
from apps.identity.gate import Waiting
from apps.identity.limits import amount_read
from apps.identity.models import SCOPES, AmountLimit, Role, User
from apps.identity.permissions import AMOUNT_PERMISSIONS, PERMISSIONS
from apps.identity.selectors import branches_visible_to

MANAGE_USERS, MANAGE_ROLES = "identity.manage_users", "identity.manage_roles"
REASON_MAX = 200
Act = Callable[[HttpRequest, User, str], Any]


class AccessPages(RecordPages):
    """What the pages share: the reason, refusals as they are said, and what waits."""

    def access_page(
        self, request: HttpRequest, record: Any, *, code: str, template: str, context: dict[str, Any], act: Act
    ) -> HttpResponse:
        """One page: the form, or what became of it."""
        if not user_may(request, code):
            raise PermissionDenied
        faults: list[str] = []
        if request.method == "POST":
            reason = typed_text(request, "reason")
            try:
                done = act(request, cast("User", request.user), reason) if reason else None
            except ValidationFailed as error:
                faults = [str(fault["detail"]) for fault in error.errors]
            except DomainError as error:
                faults = [error.detail]
            else:
                if done is not None:
                    said(self, request, done)
                    url = reverse(f"admin:identity_{self.opts.model_name}_change", args=[record.pk])
                    return HttpResponseRedirect(url)
                faults = ["Say why."]
        page = self.render_tab(request, record, "change", template, {**context, "page_faults": faults})
        page.status_code = 422 if faults else 200
        return page


def role_rows(user: User, held: set[str]) -> list[dict[str, Any]]:
    """Every role, ticked where it is `held`, and whether it reaches further than the user."""
    reach = SCOPES.index(user.reach)
    return [
        {"role": role, "code": role.code, "held": role.code in held, "beyond": SCOPES.index(role.scope) > reach}
        for role in Role.objects.order_by("code")
    ]


def branch_choices(user: User, chosen: str) -> dict[str, Any]:
    """What a choice of branches shows: those that the user reaches, and the whole bank for who reaches that."""
    branches = branches_visible_to(user).filter(is_active=True).order_by("code")
    return {"branch_rows": branches, "branch_chosen": chosen, "branch_none": user.scope == "all"}


def typed_text(request: HttpRequest, name: str) -> str:
    """What was typed into a field of a form, bounded."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:REASON_MAX]


def said(pages: Any, request: HttpRequest, done: Any, text: str = "Changed.") -> None:
    """Tell the user what became of a change."""
    if isinstance(done, Waiting):
        pages.message_user(request, f"{done.number} waits for approval; nothing has changed yet.", messages.WARNING)
    else:
        pages.message_user(request, text, messages.SUCCESS)


class UserAccessPages(AccessPages):
    """Users: invited, moved, locked out, let in again; their roles; second factors that were lost."""

    def record_actions(self, request: HttpRequest, record: User) -> Sequence[dict[str, Any]]:
        if not user_may(request, MANAGE_USERS) or record.pk == request.user.pk:
            return ()
        actions = [("Roles", "roles", "badge")]
        if record.mfa_enabled_at is not None:
            actions.append(("Reset second factors", "factors", "lock_reset"))
        actions.append(("Branch", "branch", "store"))
        if not record.is_active:
            actions.append(("Reactivate", "reactivate", "person_check"))
        else:
            if not record.has_usable_password():
                actions.append(("Invite again", "invitation", "forward_to_inbox"))
            actions.append(("Deactivate", "deactivate", "person_off"))
        return [
            {"title": title, "url": reverse(f"admin:identity_user_{slug}", args=[record.pk]), "icon": icon}
            for title, slug, icon in actions
        ]

    def get_urls(self) -> list[URLPattern]:
        views = {
            "roles": self.roles_view, "factors": self.factors_view, "deactivate": self.deactivate_view,
            "branch": self.branch_view, "reactivate": self.reactivate_view, "invitation": self.invitation_view,
        }  # fmt: skip
        own = [
            path(f"<path:object_id>/{slug}/", self.admin_site.admin_view(view), name=f"identity_user_{slug}")
            for slug, view in views.items()
        ]
        invite = path("invite/", self.admin_site.admin_view(self.invite_view), name="identity_user_invite")
        return [invite, *own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the way to a new user."""
        url = reverse("admin:identity_user_invite") if user_may(request, MANAGE_USERS) else ""
        return super().changelist_view(request, {"invite_url": url, **(extra_context or {})})

    def invite_view(self, request: HttpRequest) -> HttpResponse:
        """Somebody new: who, in which branch, with which roles."""
        if not user_may(request, MANAGE_USERS):
            raise PermissionDenied
        user = cast("User", request.user)
        typed = {name: typed_text(request, name) for name in ("email", "full_name", "branch", "reason")}
        held, faults = set(request.POST.getlist("role")), []
        if request.method == "POST":
            try:
                if not typed["reason"]:
                    raise ValidationFailed([{"pointer": "/reason", "code": "blank", "detail": "Say why."}])
                done = services.user_invite(
                    acting_user=user, email=typed["email"], full_name=typed["full_name"],
                    role_codes=[code for code in held if len(code) <= 40], branch_code=typed["branch"],
                    reason=typed["reason"], at=clock.now(),
                )  # fmt: skip
            except ValidationFailed as error:
                faults = [str(fault["detail"]) for fault in error.errors]
            except DomainError as error:
                faults = [f"{error.title}. {error.detail}"]
            else:
                said(self, request, done, "Invited: a link to set a password is on its way.")
                return HttpResponseRedirect(reverse("admin:identity_user_changelist"))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": "Invite a user",
            "page_crumbs": [("Users", reverse("admin:identity_user_changelist")), ("Invite", "")],
            "page_faults": faults,
            "invite_typed": typed,
            "role_rows": role_rows(user, held),
            **branch_choices(user, typed["branch"]),
        }
        return TemplateResponse(request, "identity/invite.html", context, status=422 if faults else 200)

    def branch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Where the user is to work."""
        record: User = self.record_get(request, object_id)
        present = record.branch.code if record.branch else ""
        chosen = typed_text(request, "branch") if request.method == "POST" else present

        def act(request: HttpRequest, user: User, reason: str) -> Any:
            return services.user_branch_set(
                acting_user=user, user_id=record.pk, branch_code=chosen, reason=reason,
                expected_version=record.version, at=clock.now(),
            )  # fmt: skip

        context = branch_choices(cast("User", request.user), chosen)
        return self.access_page(
            request, record, code=MANAGE_USERS, template="identity/change_branch.html", context=context, act=act
        )

    def reactivate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let somebody in again."""
        record: User = self.record_get(request, object_id)
        roles = ", ".join(record.role_codes) or "no role"
        text = f"The user signs in again with the password and second factors held before, and with: {roles}."

        def act(request: HttpRequest, user: User, reason: str) -> Any:
            return services.user_reactivate(acting_user=user, user_id=record.pk, reason=reason, at=clock.now())

        return self._sure(request, record, "Reactivate", text, act)

    def invitation_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The link to set a first password, once more."""
        record: User = self.record_get(request, object_id)
        text = f"Another link to set a password goes to {record.email}. Links sent before stop working."

        def act(request: HttpRequest, user: User, reason: str) -> Any:
            return services.invitation_renew(acting_user=user, user_id=record.pk, reason=reason, at=clock.now())

        return self._sure(request, record, "Invite again", text, act)

    def roles_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The roles that the user is to hold."""
        record: User = self.record_get(request, object_id)
        held = set(request.POST.getlist("role")) if request.method == "POST" else set(record.role_codes)
        rows = role_rows(cast("User", request.user), held)

        def act(request: HttpRequest, user: User, reason: str) -> Any:
            codes = [code for code in request.POST.getlist("role") if len(code) <= 40]
            # What is beyond the reach of the page's user has no box; it stays as it is.
            codes += [str(row["code"]) for row in rows if row["beyond"] and row["code"] in record.role_codes]
            return services.user_roles_set(
                acting_user=user, user_id=record.pk, role_codes=codes, reason=reason,
                expected_version=record.version, at=clock.now(),
            )  # fmt: skip

        return self.access_page(
            request, record, code=MANAGE_USERS, template="identity/change_roles.html",
            context={"role_rows": rows}, act=act,
        )  # fmt: skip

    def factors_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take the second factors of somebody who lost them."""
        record: User = self.record_get(request, object_id)
        text = "Every session ends. Be sure who asks: whoever knows the password signs in without a second factor."

        def act(request: HttpRequest, user: User, reason: str) -> Any:
            return services.factors_reset(acting_user=user, user_id=record.pk, reason=reason, at=clock.now())

        return self._sure(request, record, "Reset second factors", text, act)

    def deactivate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lock somebody out."""
        record: User = self.record_get(request, object_id)
        text = "Every session and key of the user stops working at once. The user is not deleted."

        def act(request: HttpRequest, user: User, reason: str) -> Any:
            return services.user_deactivate(acting_user=user, user_id=record.pk, reason=reason, at=clock.now())

        return self._sure(request, record, "Deactivate", text, act)

    def _sure(self, request: HttpRequest, record: User, title: str, text: str, act: Act) -> HttpResponse:
        context = {"sure_title": title, "sure_text": text}
        return self.access_page(
            request, record, code=MANAGE_USERS, template="identity/sure.html", context=context, act=act
        )


class RoleAccessPages(AccessPages):
    """What a role allows, and how much money it moves."""

    def record_actions(self, request: HttpRequest, record: Role) -> Sequence[dict[str, Any]]:
        if not user_may(request, MANAGE_ROLES):
            return ()
        return [
            {
                "title": "Permissions",
                "url": reverse("admin:identity_role_permissions", args=[record.pk]),
                "icon": "key",
            },
            {"title": "Limit", "url": reverse("admin:identity_role_limit", args=[record.pk]), "icon": "speed"},
        ]

    def get_urls(self) -> list[URLPattern]:
        views = {"permissions": self.permissions_view, "limit": self.limit_view}
        own = [
            path(f"<path:object_id>/{slug}/", self.admin_site.admin_view(view), name=f"identity_role_{slug}")
            for slug, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def permissions_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The permissions that the role is to give, and how far it is to reach."""
        record: Role = self.record_get(request, object_id)
        held = set(request.POST.getlist("permission")) if request.method == "POST" else set(record.permissions)
        groups: dict[str, list[dict[str, Any]]] = {}
        for code in sorted(PERMISSIONS):
            row = {"code": code, "does": PERMISSIONS[code], "held": code in held}
            groups.setdefault(code.partition(".")[0], []).append(row)
        scope = request.POST.get("scope", record.scope)

        def act(request: HttpRequest, user: User, reason: str) -> Any:
            return services.role_permissions_set(
                acting_user=user, role_id=UUID(str(record.pk)), permissions=held, scope=scope, reason=reason,
                expected_version=record.version, at=clock.now(),
            )  # fmt: skip

        context = {"permit_groups": groups.items(), "permit_scopes": Role.Scope.choices, "permit_scope": scope}
        return self.access_page(
            request, record, code=MANAGE_ROLES, template="identity/change_permissions.html", context=context, act=act
        )

    def limit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A new limit by amount; below it those in force."""
        record: Role = self.record_get(request, object_id)
        base = settings.NUMINA["BASE_CURRENCY"]
        typed = {name: request.POST.get(name, "")[:80] for name in ("permission", "currency", "most", "above")}

        def act(request: HttpRequest, user: User, reason: str) -> Any:
            currency = typed["currency"].strip().upper()
            plain = {name: ungrouped(typed[name]) for name in ("most", "above")}
            most, above = (
                amount_read(text, currency=currency, pointer=f"/{name}") if text else None
                for name, text in plain.items()
            )
            return services.amount_limit_set(
                acting_user=user, role_code=record.code, permission=typed["permission"], currency=currency,
                amount_max=most, step_up_above=above, reason=reason, at=clock.now(),
            )  # fmt: skip

        context = {
            "limit_typed": typed if request.method == "POST" else {"currency": base},
            "limit_permissions": sorted(
                (code, PERMISSIONS[code]) for code in record.permissions if code in AMOUNT_PERMISSIONS
            ),
            "limit_rows": AmountLimit.objects.filter(role=record, ends_at=None).order_by("permission", "currency"),
        }
        return self.access_page(
            request, record, code=MANAGE_ROLES, template="identity/change_limit.html", context=context, act=act
        )
