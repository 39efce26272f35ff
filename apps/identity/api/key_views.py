"""Keys of machines."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.api.pagination import page_of
from apps.core.api.query import NoParams
from apps.core.api.serializers import body_read
from apps.core.api.views import NAMES_A_RECORD, ApiView, respond
from apps.identity import selectors, services
from apps.identity.api import security_forms as forms
from apps.identity.api.factor_views import caller

MANAGE = "identity.manage_api_keys"


class ApiKeysView(ApiView):
    """All keys within reach."""

    permissions = {"GET": MANAGE, "POST": MANAGE}
    step_up = frozenset({"POST"})
    also_answers = NAMES_A_RECORD

    @extend_schema(
        summary="List API keys", parameters=[forms.ApiKeyListParams], responses=page_of(forms.ApiKeySerializer)
    )
    def get(self, request: Request) -> Response:
        values = forms.ApiKeyListParams.parse(request)
        keys = selectors.api_keys_visible_to(caller(request))
        if values["user_id"] is not None:
            keys = keys.filter(user_id=values["user_id"])
        return forms.ApiKeyListParams.page(keys, request=request, values=values).response(forms.ApiKeySerializer)

    @extend_schema(
        summary="Make an API key",
        description="The key is in this answer and nowhere else. It holds some of its user's permissions and expires."
        " Needs a step-up.",
        request=forms.ApiKeyCreateSerializer,
        responses={201: forms.NewApiKeySerializer},
        examples=[
            OpenApiExample(
                "key",
                value={
                    "user_id": "019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f",
                    "name": "Mobile money adapter",
                    "permissions": ["payments.transfer"],
                    "days": 90,
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        NoParams.parse(request)
        body = body_read(forms.ApiKeyCreateSerializer, request)
        user, at = caller(request), clock.now()
        selectors.user_get_for(user=user, pk=body["user_id"])
        made = services.api_key_create(
            acting_user=user,
            user_id=body["user_id"],
            name=body["name"],
            permissions=body["permissions"],
            days=body["days"],
            is_live=body["live"],
            at=at,
        )
        return respond({"key": made.secret, "api_key": forms.ApiKeySerializer(made.key).data}, status=201)


class ApiKeyRevocationView(ApiView):
    """The end of a key."""

    permissions = {"POST": MANAGE}
    step_up = frozenset({"POST"})

    @extend_schema(summary="Revoke an API key", request=forms.RevokeSerializer, responses=forms.ApiKeySerializer)
    def post(self, request: Request, key_id: UUID) -> Response:
        NoParams.parse(request)
        body = body_read(forms.RevokeSerializer, request)
        key = selectors.api_key_get_for(user=caller(request), pk=key_id)
        ended = services.api_key_revoke(
            acting_user=caller(request), key_id=key.pk, reason=body["reason"], at=clock.now()
        )
        return respond(forms.ApiKeySerializer(ended).data)
