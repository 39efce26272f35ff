"""The chart of accounts as statements read it."""

from apps.reporting.statements._books import Node, chart_read

__all__ = ["Node", "chart_read"]
