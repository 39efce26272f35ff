"""Examples in the OpenAPI document: one vocabulary for all apps, so that a field of one name looks the same everywhere.

Each field of a body gets the example of its name, and each body that has none of its own one of its required fields.
Values that do not fit the field (its type, pattern, length, bounds) are left out.
"""

from __future__ import annotations

import re
from typing import Any

ID = "019a9d0c-4d1e-7c5e-8f3b-2a1d0c9b8a7f"
MONEY = {"amount": "1250.00", "currency": "KES"}

BY_FORMAT: dict[str, Any] = {
    "uuid": ID,
    "date": "2026-11-20",
    "date-time": "2026-11-20T08:30:00Z",
    "email": "achieng@example.com",
    "uri": "https://bank.example/next",
    "uri-reference": f"/api/v1/jobs/{ID}",
}

BY_NAME: dict[str, Any] = {
    "account": "010000000017",
    "account_code": "5310",
    "ProductCreateRequest.account_code": "2110",
    "accrual_rounding": "half_even",
    "action": "accounts.opened",
    "address": "12 Market Street",
    "alert_percent": 90,
    "amount": "1250.00",
    "amount_max": "100000.00",
    "branch": "HQ",
    "business_day_convention": "modified_following",
    "business_name": "Tumaini Traders Ltd",
    "calculation": "simple",
    "calendar": "KE",
    "channel": "branch",
    "city": "Kisumu",
    "code": "sav-plus",
    "comment": "Seen, and as agreed",
    "compounding": "monthly",
    "contact": "+254712345678",
    "content": "JVBERi0xLjcK",
    "convention": "act/365f",
    "correlation_id": "019a9d0c4d1e7c5e8f3b2a1d0c9b8a7f",
    "count": 1,
    "counterparty": "Achieng Otieno",
    "country": "KE",
    "current_password": "numina-demo-2026",
    "day_count": "act/365f",
    "days": 14,
    "description": "Rent, November",
    "definition": {"cash": ["1120"], "investing": ["1220"], "financing": ["3390"]},
    "device": "Firefox on Android",
    "digest_time": "08:00",
    "display_name": "Achieng Otieno",
    "document": {
        "segments": [
            {
                "name": "Everybody",
                "when": {},
                "bands": [
                    {"from": "0", "to": "5000000.00", "levels": []},
                    {
                        "from": "5000000.00",
                        "to": None,
                        "levels": [
                            {
                                "name": "Branch manager",
                                "stage": 1,
                                "who": {"role": "branch_manager", "position": "branch"},
                            },
                        ],
                    },
                ],
            },
        ],
    },
    "drawer_account": "0087654321",
    "drawer_bank": "Other Bank",
    "drawer_name": "Juma Kamau",
    "email": "achieng@example.com",
    "endpoint": "https://push.example/subscription/1",
    "end": "2027-11-20",
    "every": 1,
    "first_due": "2026-12-20",
    "first_name": "Achieng",
    "first_number": 1,
    "full_name": "Achieng Otieno",
    "grace_days": 3,
    "hold_minutes": 30,
    "idempotency_key": "payroll-2026-11/0001",
    "identity_number": "29481726",
    "instalments": 12,
    "last_name": "Otieno",
    "last_number": 25,
    "leaves": 25,
    "lgd_percent": "45.00",
    "loan": "L0000018",
    "locale": "en",
    "months": 12,
    "month": "2026-11-01",
    "name": "Savings plus",
    "national_id": "29481726",
    "new_password": "harvest-river-2027",
    "note": "Agreed with the member",
    "nominal": 1000,
    "number": "010000000017",
    "number_prefix": "02",
    "password": "numina-demo-2026",
    "payee": "Juma Kamau",
    "percent": "50.00",
    "percentage": "1.5",
    "permission": "payments.transfer",
    "permissions": ["accounts.view", "members.view"],
    "phone": "+254712345678",
    "pieces": 1,
    "posting": "monthly",
    "posting_rounding": "half_even",
    "preferred_currency": "KES",
    "principal": "100000.00",
    "product": "sav-plus",
    "purpose": "Stock for the shop",
    "quiet_from": "21:00",
    "quiet_to": "07:00",
    "rate": "0.18",
    "rate_max_percent": "24.00",
    "rate_min_percent": "12.00",
    "rate_percent": "18.00",
    "reason": "Asked for by the member",
    "reference": "INV-2026-114",
    "registration_number": "PVT-2026-0114",
    "relationship": "Sister",
    "remainder": "carry",
    "role": "teller",
    "roles": ["teller"],
    "rule": "FREQ=MONTHLY;BYMONTHDAY=1",
    "source_account": "010000000017",
    "destination_account": "020000000024",
    "spec": {"groups": [{"field": "branch"}], "measures": [{"op": "count"}]},
    "start": "2026-11-20",
    "tax_id": "A012345678Z",
    "tax_rate": "0.15",
    "terminal": "ATM-001",
    "text": "Called: salary comes on the 28th",
    "time_zone": "Africa/Nairobi",
    "title": "Budget 2027",
    "unit": "0.01",
    "AccountHolderEndRequest.ends_on": "2026-12-31",
    "AccountUpdateRequest.name": "School fees",
    "CodeRequest.code": "492817",
    "ConfirmCodeRequest.code": "492817",
    "CostCentreRequest.code": "IT",
    "CostCentreRequest.name": "Information technology",
    "DelegationCreateRequest.ends_at": "2026-12-04T17:00:00Z",
    "DividendDrawRequest.starts_on": "2026-01-01",
    "DocumentRequest.code": "payslip",
    "FeeCreateRequest.name": "Monthly fee",
    "JobStartRequest.kind": "audit.verify",
    "LoanGroupRequest.name": "Umoja women",
    "LoanGroupRequest.meeting_weekday": 3,
    "LoanProductUpdateRequest.description": "Stock, tools and working capital",
    "NomineeRequest.name": "Grace Otieno",
    "PeriodCreateRequest.code": "2026-12",
    "PeriodCreateRequest.starts_on": "2026-12-01",
    "RateRequest.currency": "USD",
    "RateRequest.rate": "129.25",
    "StatementBatchRequest.from": "2026-11-01",
    "TerminalRequest.code": "ATM-001",
    "TerminalRequest.name": "ATM, Market Street",
    "TillCreateRequest.name": "Counter 1",
    "TillChangeRequest.name": "Counter 2",
    "ends_on": "2026-12-31",
    "to": "2026-11-30",
    "date_of_birth": "1990-04-12",
    "mfa_token": "OaDvTUYDIGoVAwbILr2U98hiw9VleXg8VleRFZkvPQ",
    "token": "v4XlCk0mBq7oYt2yW8nJ",
    "valuer": "Ministry of Lands",
    "version": 3,
    "year": 2026,
}
"""The example of a field by its name, or by component and name where the name says different things."""

_TYPES: dict[str, type] = {
    "string": str, "integer": int, "boolean": bool, "array": list, "object": dict,
}  # fmt: skip
_MOMENTS = {"date": r"\d{4}-\d{2}-\d{2}", "date-time": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"}
_DEPTH_MAX = 6


def examples_add(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook: examples for the fields of all components, then for the bodies that have none."""
    components = result.get("components", {}).get("schemas", {})
    for component, schema in components.items():
        if component.endswith("Request") and "example" not in schema:
            for name, field in schema.get("properties", {}).items():
                value = field_example(component, name, field)
                if value is not None:
                    field["example"] = value
    for path in result.get("paths", {}).values():
        for operation in path.values():
            media = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if media and "examples" not in media:
                media["example"] = body_example(media["schema"], components)
    return result


def field_example(component: str, name: str, schema: dict[str, Any]) -> Any:
    """The example for a field that is a plain value, or None where there is none that fits."""
    if "example" in schema:
        return schema["example"]
    candidates = [BY_NAME.get(f"{component}.{name}"), BY_NAME.get(name), BY_FORMAT.get(schema.get("format", ""))]
    return next((value for value in candidates if value is not None and fits(value, schema)), None)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is one that a field of this schema takes, as far as a field can say by itself."""
    wanted = _TYPES.get(schema.get("type", ""))
    if wanted is None or not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        return False
    if isinstance(value, str):
        return _text_fits(value, schema)
    if isinstance(value, list):
        items = schema["items"]
        return items.get("type") == "string" and all(_text_fits(item, items) for item in value)
    if isinstance(value, int):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return True


def _text_fits(value: str, schema: dict[str, Any]) -> bool:
    form = schema.get("format")
    if form in _MOMENTS:
        return re.fullmatch(_MOMENTS[form], value) is not None
    if form in BY_FORMAT and value != BY_FORMAT[form]:
        return False
    if value not in schema.get("enum", [value]):
        return False
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return False
    return re.search(schema.get("pattern", ""), value) is not None


def body_example(schema: dict[str, Any], components: dict[str, Any], *, name: str = "", depth: int = 0) -> Any:
    """The smallest body that says something: the required fields, or all where none is required."""
    reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ()) if "$ref" in part), "")
    if reference:
        name = reference.rpartition("/")[2]
        schema = components[name]
    if "example" in schema:
        return schema["example"]
    if "enum" in schema:
        return next(value for value in schema["enum"] if value not in ("", None))
    if schema.get("type") == "array":
        return [] if depth >= _DEPTH_MAX else [body_example(schema["items"], components, name=name, depth=depth + 1)]
    properties = schema.get("properties", {})
    if properties and depth < _DEPTH_MAX:
        shown = schema.get("required") or list(properties)
        return {key: body_example(properties[key], components, name=key, depth=depth + 1) for key in shown}
    return _plain(schema)


def _plain(schema: dict[str, Any]) -> Any:
    if "default" in schema:
        return schema["default"]
    by_type = {"string": "text", "integer": schema.get("minimum", 1), "boolean": True}
    kind = schema.get("type", "object")
    return BY_FORMAT.get(schema.get("format", ""), by_type.get(kind, {}))
