"""The rules of docs/architecture.md that a syntax tree can check. Each message says why the rule is there."""

import ast
from pathlib import Path

from tests.architecture.source import app_of, calls, functions, layer_of, modules, public_functions

MONEY_APPS = {"ledger", "balances", "accounts", "payments"}
APP_FILES = {
    "__init__", "apps", "models", "errors", "locks", "selectors", "services", "flows", "tasks", "admin", "api",
    "management", "migrations",
}  # fmt: skip


def _found(faults: list[str], why: str) -> str:
    return why + "\n" + "\n".join(faults)


def test_tasks_are_sent_only_after_commit() -> None:
    faults = [
        f"{path}:{call.lineno}"
        for path, tree in modules()
        for call, name in calls(tree)
        if name.endswith((".delay", ".apply_async", "send_task")) and path.as_posix() != "apps/core/tasks.py"
    ]
    assert not faults, _found(
        faults, "a task sent before the commit may run before its data exists: core.tasks.after_commit"
    )


def _refusals(path: Path, tree: ast.Module) -> set[tuple[str, int]]:
    """Lines that name float only to refuse it: `isinstance(value, float)`."""
    return {(path.as_posix(), call.lineno) for call, name in calls(tree) if name == "isinstance"}


def test_no_float_near_money() -> None:
    faults = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        if app_of(path) in MONEY_APPS or path.name == "money.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and node.id == "float"
        and (path.as_posix(), node.lineno) not in _refusals(path, tree)
    ]
    assert not faults, _found(faults, "money is integer minor units; binary fractions lose cents")


def test_services_do_not_read_the_clock() -> None:
    faults = [
        f"{path}:{call.lineno} {name}"
        for path, tree in modules()
        if layer_of(path) == "services" and app_of(path) in MONEY_APPS | {"members"}
        for call, name in calls(tree)
        if name
        in {"timezone.now", "clock.now", "now", "datetime.now", "date.today", "dt.datetime.now", "dt.date.today"}
    ]
    assert not faults, _found(faults, "time is an argument (`at`, `business_date`), so that a run can be repeated")


def test_balances_and_books_are_touched_only_by_their_apps() -> None:
    faults = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        if app_of(path) not in {"balances", "ledger"}
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "objects"
        and isinstance(node.value, ast.Name)
        and node.value.id in {"Balance", "TransactionKey", "JournalEntry", "JournalLine", "JournalSeal", "DailyTotal"}
    ]
    assert not faults, _found(
        faults, "money has one door: apps.balances.services and the selectors of balances and ledger"
    )


def test_apps_are_imported_not_looked_up() -> None:
    faults = [
        f"{path}:{call.lineno}"
        for path, tree in modules()
        for call, name in calls(tree)
        if name == "apps.get_model" and layer_of(path) != "management"
    ]
    assert not faults, _found(faults, "a look-up by name hides a dependency from the layer check")


def test_rows_are_locked_only_in_locks() -> None:
    faults = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        if layer_of(path) != "locks"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "select_for_update"
    ]
    assert not faults, _found(faults, "one home for locks keeps their order readable: <app>/locks.py, docs/locking.md")


def test_models_do_not_override_save_or_delete() -> None:
    faults = [
        f"{path}:{item.lineno} {node.name}.{item.name}"
        for path, tree in modules()
        if layer_of(path) == "models"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef) and item.name in {"save", "delete"}
    ]
    assert not faults, _found(faults, "what happens on a write is in a service, where the reader looks for it")


def test_no_signals() -> None:
    faults = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("db.models.signals")
    ]
    assert not faults, _found(faults, "control that jumps is not read: services call what they need")


def test_services_are_named_noun_verb_and_take_keywords() -> None:
    faults = []
    exported = {
        (app_of(path), alias.name)
        for path, tree in modules("*/services/__init__.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for path, tree in modules("*/services/*.py") + modules("*/services.py"):
        for function in public_functions(tree):
            if path.name != "services.py" and (app_of(path), function.name) not in exported:
                continue  # shared inside the package only
            positional = function.args.posonlyargs + function.args.args
            allowed = function.name in {"record", "record_many", "postings_post", "in_database"}
            if positional and not allowed:
                faults.append(f"{path}:{function.lineno} {function.name} takes positional arguments")
            if "_" not in function.name and not allowed:
                faults.append(f"{path}:{function.lineno} {function.name} is not <noun>_<verb>")
    assert not faults, _found(faults, "a service reads at its call like a sentence: <noun>_<verb>(name=value)")


def test_public_functions_have_a_docstring_and_types() -> None:
    faults = []
    for path, tree in modules():
        if layer_of(path) not in {"services", "selectors", "locks"} and app_of(path) != "core":
            continue
        for function in public_functions(tree):
            if ast.get_docstring(function) is None:
                faults.append(f"{path}:{function.lineno} {function.name} has no docstring")
            if function.returns is None:
                faults.append(f"{path}:{function.lineno} {function.name} has no return type")
    assert not faults, _found(faults, "a public function says meaning, units and errors")


def test_files_and_functions_stay_small() -> None:
    faults = []
    for path, tree in modules():
        last = max((node.end_lineno or 0 for node in tree.body), default=0)
        if last > 400:
            faults.append(f"{path} has {last} lines (400 at most: make it a package of the same name)")
        for function in functions(tree):
            size = (function.end_lineno or 0) - function.lineno + 1
            if size > 70:
                faults.append(f"{path}:{function.lineno} {function.name} has {size} lines (70 at most)")
    assert not faults, _found(faults, "what does not fit on a screen is not reviewed")


def test_nothing_is_left_for_later() -> None:
    words = ("TODO", "FIXME", "XXX", "HACK")
    faults = [
        f"{path}:{number}"
        for path, _ in modules()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(f"{word}" in line.split("#")[-1] for word in words if "#" in line)
    ]
    assert not faults, _found(faults, "an open end belongs in the README's table, where users see it")
