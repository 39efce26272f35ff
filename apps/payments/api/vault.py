"""Cash between tills and the vault over HTTP: one person asks, another one confirms."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import NoBodySerializer, body_read
from apps.core.api.views import ApiView, respond
from apps.core.money import Money
from apps.payments import services
from apps.payments.api import till_forms
from apps.payments.api.limits import amount_allowed
from apps.payments.api.tills import SUPERVISE, VIEW, WORK
from apps.payments.api.views import API, caller
from apps.payments.models import VaultTransfer
from apps.payments.selectors import session_get_for, vault_transfer_get_for


def vault_answer(transfer: VaultTransfer, *, status: int = 200, location: str = "") -> Response:
    """A vault transfer with its version."""
    data = till_forms.VaultTransferSerializer(transfer).data
    return respond(data, status=status, version=transfer.version, location=location)


class VaultTransfersView(ApiView):
    """Cash between a till and the vault."""

    permissions = {"GET": VIEW, "POST": WORK}

    @extend_schema(
        parameters=[till_forms.VaultTransferListParams],
        responses=page_of(till_forms.VaultTransferSerializer),
        summary="List a session's vault transfers",
    )
    def get(self, request: Request, till_session_id: UUID) -> Response:
        """Transfers between the till and the vault of its branch, newest first."""
        values = till_forms.VaultTransferListParams.parse(request)
        session = session_get_for(user=caller(request), pk=till_session_id)
        transfers = session.vault_transfers.select_related("session__till")
        if values["status"]:
            transfers = transfers.filter(status=values["status"])
        page = till_forms.VaultTransferListParams.page(transfers, request=request, values=values)
        return page.response(till_forms.VaultTransferSerializer)

    @extend_schema(
        request=till_forms.VaultTransferRequestSerializer,
        responses={201: till_forms.VaultTransferSerializer},
        summary="Ask for a vault transfer",
    )
    def post(self, request: Request, till_session_id: UUID) -> Response:
        """Ask for cash from the vault, or to bring cash into it. Nothing moves before somebody else confirms."""
        NoParams.parse(request)
        session = session_get_for(user=caller(request), pk=till_session_id)
        body = body_read(till_forms.VaultTransferRequestSerializer, request)
        amount_allowed(caller(request), WORK, body["amount"])
        transfer = services.vault_transfer_ask(
            acting_user=caller(request),
            session_id=session.pk,
            direction=body["direction"],
            amount=body["amount"],
            count=till_forms.count_read(body, session.till.currency),
            at=clock.now(),
        )
        return vault_answer(transfer, status=201, location=f"{API}/vault-transfers/{transfer.pk}")


class VaultTransferView(ApiView):
    """One vault transfer."""

    permissions = {"GET": VIEW}

    @extend_schema(responses=till_forms.VaultTransferSerializer, summary="Read a vault transfer")
    def get(self, request: Request, vault_transfer_id: UUID) -> Response:
        """A vault transfer of a till in your reach."""
        NoParams.parse(request)
        return vault_answer(vault_transfer_get_for(user=caller(request), pk=vault_transfer_id))


class VaultDecisionView(ApiView):
    """The second person."""

    permissions = {"POST": SUPERVISE}
    if_match_methods = frozenset({"POST"})

    @extend_schema(
        request=till_forms.VaultDecisionSerializer,
        responses={200: till_forms.VaultTransferSerializer},
        summary="Confirm a vault transfer",
    )
    def post(self, request: Request, vault_transfer_id: UUID) -> Response:
        """Say that the cash was handed over, which books it, or decline. Not by who asked."""
        NoParams.parse(request)
        asked = vault_transfer_get_for(user=caller(request), pk=vault_transfer_id)
        body = body_read(till_forms.VaultDecisionSerializer, request)
        if body["confirm"]:
            amount_allowed(caller(request), SUPERVISE, Money(asked.amount, asked.session.till.currency))
        transfer = services.vault_transfer_decide(
            acting_user=caller(request),
            transfer_id=vault_transfer_id,
            expected_version=self.expected_version,
            confirm=body["confirm"],
            at=clock.now(),
        )
        return vault_answer(transfer)


class VaultCancellationView(ApiView):
    """Taking the question back."""

    permissions = {"POST": WORK}
    if_match_methods = frozenset({"POST"})

    @extend_schema(request=None, responses={200: till_forms.VaultTransferSerializer}, summary="Cancel a vault transfer")
    def post(self, request: Request, vault_transfer_id: UUID) -> Response:
        """Take back what you asked for and nobody has decided."""
        NoParams.parse(request)
        vault_transfer_get_for(user=caller(request), pk=vault_transfer_id)
        body_read(NoBodySerializer, request)
        transfer = services.vault_transfer_cancel(
            acting_user=caller(request),
            transfer_id=vault_transfer_id,
            expected_version=self.expected_version,
            at=clock.now(),
        )
        return vault_answer(transfer)
