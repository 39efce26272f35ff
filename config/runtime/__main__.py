"""`python -m config.runtime COMMAND`. The Makefile's targets come here."""

import argparse
import sys

from config.env import EnvError
from config.runtime.report import RuntimeFault, say

COMMANDS = {
    "run": "start a copy in the foreground until Ctrl-C",
    "up": "start a copy in the background",
    "down": "stop the copy",
    "status": "show what runs (--json for programs); exit code 0 when all is up",
    "env": "print the running copy's environment for a shell",
    "manage": "run manage.py with the copy's servers: manage -- ARGUMENTS",
    "test": "run pytest on servers of its own: test -- ARGUMENTS",
    "cases": "work out the published cases of a folder: cases -- [FOLDER]",
    "bench": "measure beside raw SQL and peers, on servers of its own: bench -- OPTIONS",
    "check": "lint, types, layers, migrations, OpenAPI: check -- [NAMES]",
}


def _dispatch(command: str, rest: list[str]) -> int:
    # Imported one by one: `status` need not wait for what only `run` uses.
    match command:
        case "run":
            from config.runtime.run import run

            return run()
        case "up" | "down":
            from config.runtime.background import down, up

            return up() if command == "up" else down()
        case "status":
            from config.runtime.status import status_print

            return status_print(as_json="--json" in rest)
        case "env":
            from config.runtime.commands import environment_print

            return environment_print()
        case "manage":
            from config.runtime.commands import manage

            return manage(rest)
        case "test":
            from config.runtime.testing import test

            return test(rest)
        case "cases":
            from config.runtime.testing import cases

            return cases(rest)
        case "bench":
            from config.runtime.bench import bench

            return bench(rest)
        case _:
            from config.runtime.check import check

            return check(rest)


def main() -> int:
    """Run the command named; its exit code, 1 with a line on standard error when it could not go on."""
    parser = argparse.ArgumentParser(
        prog="python -m config.runtime",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:<8} {text}" for name, text in COMMANDS.items()),
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    rest = arguments.rest[1:] if arguments.rest[:1] == ["--"] else arguments.rest
    try:
        return _dispatch(arguments.command, rest)
    except (RuntimeFault, EnvError) as fault:
        say()
        print(f"numina: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
