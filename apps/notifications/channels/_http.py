"""SMS through a provider with an HTTP API, and what every HTTP provider has in common."""

from __future__ import annotations

from typing import Any

import httpx

from apps.notifications.channels._base import Delayed, Message, Receipt, Refused

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
CONNECT_RETRIES = 2
RETRY_AFTER_MAX = 6 * 3600
BODY_SHOWN_MAX = 200


def client_make() -> httpx.Client:
    """A client that follows no redirect, waits ten seconds at most, and tries a failed connection twice more."""
    return httpx.Client(
        timeout=TIMEOUT,
        follow_redirects=False,
        transport=httpx.HTTPTransport(retries=CONNECT_RETRIES),
        headers={"User-Agent": "Numina"},
    )


def request_send(client: httpx.Client, url: str, **request: Any) -> httpx.Response:
    """POST. A 2xx answer is returned; Delayed is raised for 408, 429, 5xx and silence, Refused for anything else."""
    try:
        response = client.post(url, **request)
    except httpx.TransportError as error:
        down = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        raise Delayed(f"{type(error).__name__}: {error}", channel_down=down) from error
    if response.is_success:
        return response
    reason = f"HTTP {response.status_code} {response.text[:BODY_SHOWN_MAX]}".strip()
    if response.is_server_error or response.status_code in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS):
        raise Delayed(reason, retry_after=_seconds(response.headers.get("Retry-After", "")))
    raise Refused(reason, bounced=response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE))


def _seconds(header: str) -> int | None:
    return min(int(header), RETRY_AFTER_MAX) if header.isascii() and header.isdigit() and len(header) < 9 else None


class HttpSmsSender:
    """Posts {to, from, text, reference} as JSON with a bearer token; the provider answers {"id": "..."}.

    The delivery's id is the reference and the Idempotency-Key: a repeat after a lost answer is no second message.
    """

    def __init__(self, *, url: str, token: str, origin: str) -> None:
        self.url, self.token, self.origin = url, token, origin
        self.client = client_make()

    def send(self, message: Message) -> Receipt:
        """Hand it to the provider."""
        body = {"to": message.address, "from": self.origin, "text": message.text, "reference": str(message.id)}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(message.id)}
        response = request_send(self.client, self.url, json=body, headers=headers)
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        given = answer.get("id") if isinstance(answer, dict) else None
        return Receipt("sms", str(given)[:255] if given else str(message.id))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
