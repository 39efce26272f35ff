"""The engine's page on the staff site: modes, queues, drift, the last events, and the levers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from apps.balances import services
from apps.balances.engine.status import engine_status
from apps.balances.models import PartitionEvent
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.record_pages import user_may

EVENTS_SHOWN = 25
VIEW, OPERATE = "balances.view_engine", "balances.operate"
ACTIONS = ("fence", "activate", "heal", "verify")


def engine_page(request: HttpRequest, site: Any) -> HttpResponse:
    """How the engine does; with POST one of its levers, for those who may."""
    if not user_may(request, VIEW):
        raise PermissionDenied
    if request.method == "POST":
        if not user_may(request, OPERATE):
            raise PermissionDenied
        _act(request)
        return HttpResponseRedirect(reverse("admin:balances_engine"))
    context = {
        **site.each_context(request),
        "title": "Balance engine",
        "page_crumbs": [("Balance engine", "")],
        "engine_parts": engine_status(),
        "engine_events": PartitionEvent.objects.all()[:EVENTS_SHOWN],
        "engine_operates": user_may(request, OPERATE),
    }
    return render(request, "balances/engine.html", context)


def _act(request: HttpRequest) -> None:
    """Pull the lever that the form names, and say what came of it."""
    action, number = request.POST.get("action", ""), request.POST.get("partition", "")
    if action not in ACTIONS or not (number.isascii() and number.isdigit() and len(number) < 5):
        raise PermissionDenied
    user: Any = request.user
    try:
        if action == "verify":
            found = services.engine_verify(at=clock.now(), acting_user=user)
            text = f"{found.accounts} accounts compared, {len(found.faults)} differences"
        elif action == "fence":
            why = request.POST.get("why", "").replace("\x00", "").strip()[:200] or "by staff"
            done = services.partition_fence(partition=int(number), why=why, acting_user=user)
            text = "The database does all the work now." if done else "It was off; it stays off until activated."
        elif action == "heal":
            epoch = services.partition_heal(partition=int(number), acting_user=user)
            text = "Memory is built anew from the books." if epoch else "It is held off or not posted yet; try again."
        else:
            epoch = services.partition_activate(partition=int(number), acting_user=user)
            text = f"The engine executes, in period {epoch}." if epoch else "Not everything is posted yet; try again."
        messages.success(request, text)
    except DomainError as error:
        messages.error(request, error.detail or error.title)
