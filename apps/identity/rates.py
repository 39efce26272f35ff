"""Limits on guessing: django-ratelimit's fixed windows on the shared cache, by address and by the hash of an e-mail.

Rates are NUMINA["RATES"]; a name that is missing there is no limit. A lost cache lets everybody in
(RATELIMIT_FAIL_OPEN): the password hash still makes each guess slow.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django_ratelimit.core import ALL, _get_window, _make_cache_key, _split_rate, get_usage

from apps.core.context import client_ip
from apps.core.errors import TooManyRequests
from apps.identity.emails import email_canonical

DEVICE_COOKIE = "numina_device"


def login_keys(request: HttpRequest, email: str) -> dict[str, str]:
    """What a sign-in is counted under: the person from this address, the person, the address, the device."""
    person, address = _person(email), _address(request)
    return {
        "login_pair": f"{person}|{address}",
        "login_email": person,
        "login_ip": address,
        "login_device": device_of(request) or f"{address}|none",
    }


def device_of(request: HttpRequest) -> str:
    """A hash of the id by which a device calls itself (X-Device-ID, or the staff site's cookie); empty without one.

    Whoever guesses may call himself what he likes, and is then stopped by the other counts.
    """
    text = request.META.get("HTTP_X_DEVICE_ID", "") or request.COOKIES.get(DEVICE_COOKIE, "")
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if 8 <= len(text) <= 128 else ""


def user_keys(name: str, user_id: Any) -> dict[str, str]:
    """What something is counted under that a known user does: codes tried, passwords shown."""
    return {name: str(user_id)}


def mail_keys(request: HttpRequest, email: str) -> dict[str, str]:
    """What a mail that anybody may ask for is counted under."""
    return {"mail_email": _person(email), "mail_ip": _address(request)}


def register_keys(request: HttpRequest, email: str) -> dict[str, str]:
    """What a registration is counted under."""
    return {"register_email": _person(email), "register_ip": _address(request)}


def refresh_keys(request: HttpRequest) -> dict[str, str]:
    """What a refresh is counted under."""
    return {"refresh_ip": _address(request)}


def address_keys(request: HttpRequest, name: str) -> dict[str, str]:
    """What a public question is counted under: the address it comes from, at the rate called `name`."""
    return {name: _address(request)}


def rate_check(request: HttpRequest, keys: Mapping[str, str]) -> None:
    """Count the request under every key, then raise TooManyRequests when one of them is over its rate.

    Counting comes first, so that requests in parallel cannot slip through together.
    """
    wait = 0
    for name, value in keys.items():
        rate = settings.NUMINA.get("RATES", {}).get(name)
        if rate is None:
            continue
        usage = get_usage(request, group=name, key=_constant(value), rate=rate, increment=True)
        if usage is not None and usage["should_limit"]:
            wait = max(wait, usage["time_left"], 1)
    if wait:
        raise TooManyRequests("Too many attempts. Wait before you try again.", retry_after=wait)


def rate_give_back(keys: Mapping[str, str]) -> None:
    """Take a success out of the counts: people who sign in often are not guessing."""
    for name, value in keys.items():
        rate = settings.NUMINA.get("RATES", {}).get(name)
        if rate is None:
            continue
        window = _get_window(value, _split_rate(rate)[1])
        try:
            cache.decr(_make_cache_key(name, window, rate, value, ALL))
        except ValueError:
            continue  # the window ended meanwhile


def _constant(value: str) -> Any:
    def key(_group: str, _request: HttpRequest) -> str:
        return value

    return key


def _person(email: str) -> str:
    try:
        email = email_canonical(email)
    except ValueError:
        email = email.strip().lower()
    return hashlib.sha256(email.encode("utf-8", "replace")).hexdigest()


def _address(request: HttpRequest) -> str:
    text = client_ip(request.META, trusted_proxies=settings.NUMINA.get("TRUSTED_PROXIES", 0))
    if ":" not in text:
        return text or "unknown"
    # A single customer of an IPv6 provider has a /64 of addresses to guess from.
    return str(ipaddress.ip_network(f"{text}/64", strict=False).network_address)
