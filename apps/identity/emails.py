"""One spelling for each e-mail address, so that a person cannot register twice and nobody can look like another."""

from __future__ import annotations

import re

EMAIL_MAX = 254
# RFC 5321's unquoted local part. Letters outside ASCII need SMTPUTF8 all the way to the mailbox, and look-alikes of
# an existing address would be new identities: they are refused.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


def email_canonical(text: str) -> str:
    """The lower-cased address with its domain in ASCII (IDNA); ValueError when it is not an address.

    `Jane@Bücher.Example` and `jane@xn--bcher-kva.example` are the same person.
    """
    local, at, domain = text.strip(" ").rpartition("@")
    if not at or not local.isascii() or len(local) > 64 or not _LOCAL.match(local):
        raise ValueError("Enter a valid e-mail address; letters before the @ must be ASCII.")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError("Enter a valid e-mail address: the domain is not valid.") from None
    labels = ascii_domain.split(".")
    if len(labels) < 2 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
        raise ValueError("Enter a valid e-mail address: the domain is not valid.")
    email = f"{local.lower()}@{ascii_domain}"
    if len(email) > EMAIL_MAX:
        raise ValueError(f"The e-mail address is longer than {EMAIL_MAX} characters.")
    return email
