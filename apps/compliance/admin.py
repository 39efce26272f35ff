"""Compliance on the staff site: flags to be decided, requests about personal data, legal holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.compliance import services
from apps.compliance.models import Flag, LegalHold, PrivacyRequest
from apps.compliance.retention import certificate_pdf
from apps.compliance.selectors import flags_visible_to, requests_visible_to
from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError
from apps.core.record_pages import user_may
from apps.ledger.selectors import business_date_current
from apps.members.selectors import members_visible_to

FLAG_CHIPS = {"open": "warn", "cleared": "good", "confirmed": "bad"}
REQUEST_CHIPS = {"waiting": "warn", "done": "good", "refused": "plain"}
CLEAR, DECIDE = "compliance.clear", "compliance.decide"


class _Decided(NuminaAdmin):
    """A record with a page on which it is decided: two buttons and a comment."""

    decide_permission = ""
    decide_choices: tuple[tuple[str, str, str], ...] = ()
    decide_text = ""

    def is_open(self, record: Any) -> bool:
        raise NotImplementedError

    def decide(self, request: HttpRequest, record: Any, choice: str, comment: str) -> None:
        raise NotImplementedError

    def _page(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def record_actions(self, request: HttpRequest, record: Any) -> Sequence[dict[str, Any]]:
        if not self.is_open(record) or not user_may(request, self.decide_permission):
            return ()
        url = reverse(f"admin:{self._page()}_decide", args=[record.pk])
        return [{"title": "Decide", "url": url, "icon": "gavel"}]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        return [path("<path:object_id>/decide/", view, name=f"{self._page()}_decide"), *super().get_urls()]

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the decision and why; a refusal of the service is shown as it is said."""
        record = self.record_get(request, object_id)
        if not user_may(request, self.decide_permission):
            raise PermissionDenied
        faults: list[str] = []
        if request.method == "POST":
            comment = request.POST.get("comment", "").replace("\x00", "").strip()[:500]
            choice = request.POST.get("choice", "")
            if choice not in {value for value, _label, _kind in self.decide_choices}:
                faults.append("Choose one of the buttons.")
            elif not comment:
                faults.append("Say why.")
            else:
                try:
                    self.decide(request, record, choice, comment)
                except DomainError as error:
                    faults.append(str(error.detail))
                else:
                    self.message_user(request, "Decided.", messages.SUCCESS)
                    return HttpResponseRedirect(reverse(f"admin:{self._page()}_change", args=[record.pk]))
        context = {"page_faults": faults, "decide_choices": self.decide_choices, "decide_text": self.decide_text}
        return self.render_tab(request, record, "decide", "compliance/decide.html", context)


@admin.register(Flag)
class FlagAdmin(_Decided):
    """Unusual activity: open flags first."""

    view_permission = "compliance.view"
    list_title = "Unusual activity"
    empty_text = "Good: the rules have seen nothing unusual."
    subtitle = "Unusual activity"
    list_display = ("summary", "rule_name", "subject_label", "state", "detected_at", "decided_by")
    list_select_related = ("decided_by",)
    list_filter = ("status", "rule")
    fields = ("rule_name", "subject_label", "detected_at", "figures", "status", "decided_by", "decided_at", "comment")
    decide_permission = CLEAR
    decide_choices = (("cleared", "Clear", "primary"), ("confirmed", "Confirm", "danger"))
    decide_text = "Clear it when there is an explanation, confirm it when it has to be followed up."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flag]:
        user: Any = request.user
        return flags_visible_to(user)

    @admin.display(description="Rule", ordering="rule")
    def rule_name(self, flag: Flag) -> str:
        return flag.rule.replace("_", " ").capitalize()

    @admin.display(description="Status", ordering="status")
    def state(self, flag: Flag) -> SafeString:
        return display.chip(flag.get_status_display(), FLAG_CHIPS[flag.status])

    @admin.display(description="Facts")
    def figures(self, flag: Flag) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in flag.facts.items()) or display.EMPTY

    def record_title(self, record: Flag) -> str:
        return record.summary

    def record_chips(self, record: Flag) -> Iterable[SafeString]:
        yield self.state(record)

    def is_open(self, record: Flag) -> bool:
        return record.status == Flag.Status.OPEN

    def decide(self, request: HttpRequest, record: Flag, choice: str, comment: str) -> None:
        user: Any = request.user
        services.flag_decide(
            acting_user=user,
            flag_id=record.pk,
            expected_version=record.version,
            outcome=choice,
            comment=comment,
            at=clock.now(),
        )


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(_Decided):
    """Requests for data and for erasure."""

    view_permission = "compliance.view"
    list_title = "Personal data"
    empty_text = "What members ask of their data, a copy or its erasure, stands here to be decided."
    subtitle = "Request about personal data"
    list_display = ("member_number", "kind", "state", "created_at", "requested_by", "decided_by")
    list_select_related = ("member", "requested_by", "decided_by")
    list_filter = ("status", "kind")
    fields = ("member", "kind", "created_at", "requested_by", "reason", "decided_at", "decided_by", "note", "outcome")
    decide_permission = DECIDE
    decide_choices = (("erase", "Erase", "danger"), ("refuse", "Refuse", "plain"))
    decide_text = (
        "Erasing empties the member's contact data and sign-in for good, and puts the number in place of the name. "
        "What the law has the bank keep is sealed away. It cannot be undone."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PrivacyRequest]:
        user: Any = request.user
        return requests_visible_to(user)

    @admin.display(description="Member", ordering="member__number")
    def member_number(self, record: PrivacyRequest) -> str:
        return record.member.number

    @admin.display(description="Status", ordering="status")
    def state(self, record: PrivacyRequest) -> SafeString:
        return display.chip(record.get_status_display(), REQUEST_CHIPS[record.status])

    @admin.display(description="Certificate")
    def outcome(self, record: PrivacyRequest) -> SafeString | str:
        if not record.certificate:
            return display.EMPTY
        rows = ((row["what"], row["outcome"], row["until"] or "") for row in record.certificate["rows"])
        return format_html(
            "<table class='nm-table'><thead><tr><th>Data</th><th>What became of it</th><th>Until</th></tr></thead>"
            "<tbody>{}</tbody></table>",
            format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", rows),
        )

    def record_title(self, record: PrivacyRequest) -> str:
        return f"{record.get_kind_display()} for member {record.member.number}"

    def record_chips(self, record: PrivacyRequest) -> Iterable[SafeString]:
        yield self.state(record)

    def record_actions(self, request: HttpRequest, record: PrivacyRequest) -> Sequence[dict[str, Any]]:
        if record.certificate:
            url = reverse("admin:compliance_privacyrequest_certificate", args=[record.pk])
            return [{"title": "Certificate", "url": url, "icon": "picture_as_pdf"}]
        return super().record_actions(request, record)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.certificate_view)
        name = "compliance_privacyrequest_certificate"
        return [path("<path:object_id>/certificate/", view, name=name), *super().get_urls()]

    def certificate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The certificate as a file."""
        record: PrivacyRequest = self.record_get(request, object_id)
        if not record.certificate:
            return HttpResponseRedirect(reverse("admin:compliance_privacyrequest_change", args=[record.pk]))
        name = f"erasure-{record.member.number}.pdf"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(certificate_pdf(record), content_type="application/pdf", headers=headers)

    def is_open(self, record: PrivacyRequest) -> bool:
        return record.status == PrivacyRequest.Status.WAITING

    def decide(self, request: HttpRequest, record: PrivacyRequest, choice: str, comment: str) -> None:
        user: Any = request.user
        services.erasure_decide(
            acting_user=user,
            request_id=record.pk,
            expected_version=record.version,
            approve=choice == "erase",
            note=comment,
            today=business_date_current(),
            at=clock.now(),
        )


@admin.register(LegalHold)
class LegalHoldAdmin(NuminaAdmin):
    """Members whose data stays as it is: placed and lifted here, by whoever decides on personal data."""

    empty_text = "A hold keeps a member's data from erasure until it is lifted."
    view_permission = "compliance.view"
    branch_field = "member__branch"
    subtitle = "Legal hold"
    list_before_template = "compliance/list_actions.html"
    list_display = ("member", "reason", "state", "placed_by", "created_at", "lifted_at")
    list_select_related = ("member", "placed_by")
    list_filter = (("lifted_at", admin.EmptyFieldListFilter),)
    fields = ("member", "reason", "placed_by", "created_at", "lifted_by", "lifted_at")

    @admin.display(description="Status")
    def state(self, hold: LegalHold) -> SafeString:
        return display.chip("Lifted", "plain") if hold.lifted_at else display.chip("In force", "warn")

    def record_title(self, record: LegalHold) -> str:
        return f"Hold on {record.member.display_name}"

    def record_chips(self, record: LegalHold) -> Iterable[SafeString]:
        yield self.state(record)

    def record_actions(self, request: HttpRequest, record: LegalHold) -> Sequence[dict[str, Any]]:
        if record.lifted_at is not None or not user_may(request, DECIDE):
            return ()
        url = reverse("admin:compliance_legalhold_lift", args=[record.pk])
        return [{"title": "Lift", "url": url, "icon": "lock_open"}]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the way to a new hold."""
        link = {"title": "Place a hold", "icon": "gavel", "url": reverse("admin:compliance_legalhold_place")}
        shown = [link] if user_may(request, DECIDE) else []
        return super().changelist_view(request, {"hold_links": shown, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        place, lift = self.admin_site.admin_view(self.place_view), self.admin_site.admin_view(self.lift_view)
        return [
            path("place/", place, name="compliance_legalhold_place"),
            path("<path:object_id>/lift/", lift, name="compliance_legalhold_lift"),
            *super().get_urls(),
        ]

    def place_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the member's number and why. A member out of reach is one that is not there."""
        if not user_may(request, DECIDE):
            raise PermissionDenied
        user: Any = request.user
        number, reason = (_typed(request, name) for name in ("number", "reason"))
        faults: list[str] = []
        if request.method == "POST":
            member = members_visible_to(user).filter(number=number).first()
            if member is None:
                faults.append("There is no member with this number.")
            elif not reason:
                faults.append("Say why.")
            else:
                hold = services.hold_place(acting_user=user, member=member, reason=reason)
                self.message_user(request, "Placed.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:compliance_legalhold_change", args=[hold.pk]))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": "Place a legal hold",
            "page_crumbs": [("Legal holds", reverse("admin:compliance_legalhold_changelist")), ("Place", "")],
            "page_faults": faults,
            "hold_number": number,
            "hold_reason": reason,
        }
        return TemplateResponse(request, "compliance/place_hold.html", context, status=422 if faults else 200)

    def lift_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, then end the hold."""
        record: LegalHold = self.record_get(request, object_id)
        if not user_may(request, DECIDE):
            raise PermissionDenied
        faults: list[str] = []
        if request.method == "POST":
            user: Any = request.user
            reason = _typed(request, "comment")
            try:
                if reason:
                    services.hold_lift(acting_user=user, hold_id=record.pk, reason=reason, at=clock.now())
                    self.message_user(request, "Lifted.", messages.SUCCESS)
                    return HttpResponseRedirect(reverse("admin:compliance_legalhold_change", args=[record.pk]))
                faults.append("Say why.")
            except DomainError as error:
                faults.append(str(error.detail))
        context = {
            "page_faults": faults,
            "decide_choices": (("lift", "Lift", "danger"),),
            "decide_text": "From then on the member's data may be erased when its time has come.",
        }
        page = self.render_tab(request, record, "decide", "compliance/decide.html", context)
        page.status_code = 422 if faults else 200
        return page


def _typed(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\x00", "").strip()[:200]
