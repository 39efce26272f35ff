"""Viewflow stays behind one door, and its map is what the documents say."""

from __future__ import annotations

from apps.approvals.flow import ApprovalFlow
from tests.architecture.source import ROOT


def test_only_approvals_knows_viewflow() -> None:
    sources = [*(ROOT / "apps").rglob("*.py"), *(ROOT / "config").rglob("*.py")]
    named = {path.relative_to(ROOT).parts[1] for path in sources if "viewflow" in path.read_text(encoding="utf-8")}
    assert named == {"approvals", "settings"}


def test_the_map_leads_from_asking_to_an_end() -> None:
    edges = {(edge.src.name, edge.dst.name) for node in ApprovalFlow.instance.nodes() for edge in node._outgoing()}
    levels = {("begin", "review"), ("review", "review"), ("review", "finish")}
    assert edges == levels | {("review", "revise"), ("revise", "review"), ("revise", "finish")}
