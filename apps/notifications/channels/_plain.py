"""Channels that reach nobody: the console, and a file with one JSON object a line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from apps.notifications.channels._base import Message, Receipt


def _as_json(channel: str, message: Message) -> str:
    facts = {
        "id": str(message.id),
        "channel": channel,
        "to": message.address,
        "subject": message.subject,
        "text": message.text,
        "link": message.link,
    }
    return json.dumps(facts, ensure_ascii=False)


class ConsoleSender:
    """Writes messages to the process's output: for development."""

    def __init__(self, channel: str) -> None:
        self.channel = channel

    def send(self, message: Message) -> Receipt:
        """Print it."""
        sys.stdout.write(_as_json(self.channel, message) + "\n")
        sys.stdout.flush()
        return Receipt("console", str(message.id))

    def close(self) -> None:
        """Nothing is open."""


class FileSender:
    """Appends messages to a file: for tests and trials."""

    def __init__(self, channel: str, path: str | Path) -> None:
        self.channel, self.path = channel, Path(path)

    def send(self, message: Message) -> Receipt:
        """Append a line. One write, so that lines of several workers do not mix."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_as_json(self.channel, message) + "\n")
        return Receipt("file", str(message.id))

    def close(self) -> None:
        """Nothing is open."""
