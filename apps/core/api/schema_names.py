"""Names in the OpenAPI document: generated types are `TransferRequest` and `Loan`, whatever a class is called.

What is sent ends in `Request`, a page in `Page`, every other answer is the bare noun.
"""

from __future__ import annotations

_SENT = ("Serializer", "Form", "Request")
_ANSWERED = ("Serializer", "Answer", "Shown")


def component_name(class_name: str, *, sent: bool = False) -> str:
    """The noun in a serializer's name: TransferRequestSerializer and LoanForm, when `sent`, give Transfer and Loan.

    drf-spectacular itself adds `Request` to what is sent.
    """
    name = class_name
    for suffix in _SENT if sent else _ANSWERED:
        name = name.removesuffix(suffix)
    return name
