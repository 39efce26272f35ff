"""What can go wrong with the trail's files."""

from __future__ import annotations

from apps.core.errors import Conflict, Unprocessable


class ArchiveNotReady(Conflict):
    """The partition cannot be archived or restored now."""

    code = "archive-not-ready"
    title = "The archive is not ready"


class ArchiveFaulty(Conflict):
    """A file of the archive is not what was written."""

    code = "archive-faulty"
    title = "The archive cannot be proved"


class ExportTooLarge(Unprocessable):
    """More events match than a file may hold."""

    code = "export-too-large"
    title = "Too many events for one file"


class ExportNotReady(Conflict):
    """The file is not there yet, or no longer."""

    code = "export-not-ready"
    title = "The file is not there"
