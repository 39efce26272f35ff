"""The project's own source as syntax trees, read once."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "apps"


@cache
def modules(pattern: str = "**/*.py") -> tuple[tuple[Path, ast.Module], ...]:
    """(path relative to the project, tree) of the modules of apps/ that match, migrations left out."""
    return tuple(
        (path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(APPS.glob(pattern))
        if "migrations" not in path.parts
    )


def layer_of(path: Path) -> str:
    """The layer of a module: the first part below its app, without ending; 'services/_door.py' -> 'services'."""
    return path.parts[2].removesuffix(".py") if len(path.parts) > 2 else ""


def app_of(path: Path) -> str:
    return path.parts[1]


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the dotted text of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions at the top level of a module whose name has no underscore in front."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node
