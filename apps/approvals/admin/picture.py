"""The picture of a running request: who asked, each level with its state, and the end. Coordinates are whole pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from apps.approvals.models import ApprovalLevel, ApprovalRequest

BOX, HIGH, GAP, ROW, PAD, ROUND = 150, 54, 46, 74, 12, 16
NAME_MAX = 22


@dataclass(frozen=True, slots=True)
class Box:
    """A task: `state` names its colour and is written in it, `detail` says who."""

    x: int
    y: int
    title: str
    detail: str
    state: str
    words: str


@dataclass(slots=True)
class Picture:
    """Boxes, circles and lines on a ground of `width` by `height`."""

    width: int = 0
    height: int = 0
    boxes: list[Box] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    start: tuple[int, int] = (0, 0)
    end: tuple[int, int] = (0, 0)
    end_state: str = ""
    words: str = ""


def picture_of(request: ApprovalRequest, levels: list[ApprovalLevel], deciders: dict[int, str]) -> Picture:
    """The present round as a graph from left to right: levels of a stage stand above each other."""
    stages = [list(rows) for _, rows in groupby(levels, key=lambda level: level.stage)]
    tallest = max((len(stage) for stage in stages), default=1)
    picture = Picture(height=PAD * 2 + tallest * ROW)
    middle = picture.height // 2
    x = PAD + ROUND
    picture.start = (x, middle)
    leaving = [(x + ROUND, middle)]
    asked = Box(
        x + ROUND + GAP, middle - HIGH // 2, "Asks", str(request.maker.get_full_name())[:NAME_MAX], "done", "Asked"
    )
    columns = [[asked]]
    x = asked.x + BOX + GAP
    for stage in stages:
        top = middle - len(stage) * ROW // 2
        columns.append(
            [
                Box(
                    x,
                    top + place * ROW + (ROW - HIGH) // 2,
                    level.name[:NAME_MAX],
                    _who(level, deciders)[:NAME_MAX],
                    level.state,
                    level.get_state_display(),
                )
                for place, level in enumerate(stage)
            ]
        )
        x += BOX + GAP
    for column in columns:
        picture.boxes += column
        picture.lines += [_line(a, (box.x, box.y + HIGH // 2)) for a in leaving for box in column]
        leaving = [(box.x + BOX, box.y + HIGH // 2) for box in column]
    picture.end = (x + ROUND, middle)
    picture.lines += [_line(a, (x, middle)) for a in leaving]
    picture.end_state = request.state
    picture.width = x + ROUND * 2 + PAD
    picture.words = "; ".join(f"{box.title}: {box.words}" for box in picture.boxes) + f"; then {request.state}"
    return picture


def _who(level: ApprovalLevel, deciders: dict[int, str]) -> str:
    if level.pk in deciders:
        return deciders[level.pk]
    if level.assignee is not None:
        return str(level.assignee.get_full_name())
    return f"{level.need} must approve" if level.need > 1 else "anyone asked"


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = start, end
    if y1 == y2:
        return f"M{x1} {y1}H{x2}"
    turn = x1 + (x2 - x1) // 2
    return f"M{x1} {y1}H{turn}V{y2}H{x2}"
