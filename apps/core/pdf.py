"""PDF files from our own templates. Nothing is fetched but files of our static folder and data URLs."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import weasyprint
from django.conf import settings
from django.template.loader import render_to_string
from fontTools.ttLib import woff2  # type: ignore[import-untyped]
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

_STATIC = Path(settings.BASE_DIR) / "static"


def pdf_render(*, template: str, context: dict[str, Any], identifier: bytes) -> bytes:
    """The template as PDF/A-3u. The same context and identifier give the same bytes."""
    html = weasyprint.HTML(
        string=render_to_string(template, context), base_url=_STATIC.as_uri() + "/", url_fetcher=OwnFilesFetcher()
    )
    content: bytes | None = html.write_pdf(
        font_config=FontConfiguration(), pdf_variant="pdf/a-3u", pdf_identifier=identifier, pdf_tags=True
    )
    if content is None:
        raise RuntimeError("WeasyPrint wrote no file")
    return content


class OwnFilesFetcher(URLFetcher):
    """Reads files of our static folder and data URLs; everything else is refused, whatever the template says."""

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """The resource. Raises ValueError for any other address."""
        parts = urlsplit(url)
        if parts.scheme == "data":
            return super().fetch(url, headers)
        if parts.scheme != "file" or parts.netloc:
            raise ValueError(f"not an address of ours: {url[:100]}")
        path = Path(unquote(parts.path)).resolve()
        if not path.is_relative_to(_STATIC.resolve()):
            raise ValueError(f"not a file of ours: {url[:100]}")
        if path.suffix == ".woff2":
            return URLFetcherResponse(url, _font(path), {"Content-Type": "font/ttf"})
        return super().fetch(path.as_uri(), headers)


@cache
def _font(path: Path) -> bytes:
    """The font unpacked, once a process: that takes longer than the rest of a short file."""
    unpacked = io.BytesIO()
    with path.open("rb") as packed:
        woff2.decompress(packed, unpacked)
    return unpacked.getvalue()
