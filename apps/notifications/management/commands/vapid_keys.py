"""`manage.py vapid_keys`: a new key with which the bank signs push messages."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Makes a key and prints it; nothing is stored."""

    help = "Make a VAPID key for web push. Browsers that subscribed under another key have to subscribe again."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the private half for the environment and the public half for information."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_numbers().private_value.to_bytes(32, "big")
        public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.stdout.write(f"NUMINA_VAPID_PRIVATE_KEY={_b64(private)}")
        self.stdout.write(f"# public key: {_b64(public)}")


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
