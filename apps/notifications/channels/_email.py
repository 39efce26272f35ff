"""E-mail through Django's backend: SMTP, or any provider that anymail speaks to."""

from __future__ import annotations

import contextlib
import smtplib
from email.utils import parseaddr
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from apps.notifications.channels._base import Delayed, Message, Receipt, Refused

_GONE_FROM, _SERVER_FAULT_FROM, _TOO_MANY = 500, 500, 429


class EmailSender:
    """Keeps one connection for all of its messages. A message's id makes its Message-ID, at every attempt the same."""

    def __init__(self) -> None:
        self.connection: Any = get_connection()
        self.domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"

    def send(self, message: Message) -> Receipt:
        """Hand it to the mail server. An address that the server refuses for good counts as bounced."""
        mail = self._mail(message)
        try:
            # A connection that the server has closed meanwhile is opened anew with the next message.
            self.connection.open()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Delayed(_said(error), channel_down=True) from error
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            self.close()
            if code >= _GONE_FROM:
                raise Refused(f"{code} {_decoded(text)}", bounced=True) from error
            raise Delayed(f"{code} {_decoded(text)}") from error
        except smtplib.SMTPResponseException as error:
            self.close()
            if error.smtp_code >= _GONE_FROM:
                raise Refused(_said(error)) from error
            raise Delayed(_said(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Delayed(_said(error), channel_down="timed out" in str(error)) from error
        except AnymailRecipientsRefused as error:
            raise Refused(_said(error), bounced=True) from error
        except AnymailAPIError as error:
            status = error.status_code or _SERVER_FAULT_FROM
            if status >= _SERVER_FAULT_FROM or status == _TOO_MANY:
                raise Delayed(_said(error)) from error
            raise Refused(_said(error)) from error
        except (AnymailError, ValueError) as error:  # BadHeaderError is a ValueError
            raise Refused(_said(error)) from error
        return self._receipt(mail)

    def close(self) -> None:
        """End the connection; a server that has gone already is no fault."""
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self.connection.close()

    def _mail(self, message: Message) -> EmailMultiAlternatives:
        headers = {
            "Message-ID": f"<{message.id}@{self.domain}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        }
        if message.is_bulk:
            headers["Precedence"] = "bulk"
        mail = EmailMultiAlternatives(
            message.subject, message.text, to=[message.address], headers=headers, connection=self.connection
        )
        if message.html:
            mail.attach_alternative(message.html, "text/html")
        return mail

    def _receipt(self, mail: EmailMultiAlternatives) -> Receipt:
        status = getattr(mail, "anymail_status", None)
        if status is not None and status.message_id is not None:
            provider = str(getattr(self.connection, "esp_name", "anymail")).lower().replace(" ", "_")
            return Receipt(provider[:40], str(status.message_id))
        return Receipt("smtp", mail.extra_headers["Message-ID"])


def _decoded(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_decoded(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"
