#!/usr/bin/env python
"""Django's command line. `make manage ARGS="..."` runs it against the copy that `make run` started."""

import gc
import os
import sys


def main() -> None:
    """Run the command named in the arguments. Production sets DJANGO_SETTINGS_MODULE itself."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    from django.core.management import execute_from_command_line

    from config.env import EnvError

    # Commands, migrations first of all, make many objects that stay: looking for cycles less often saves a fifth.
    gc.set_threshold(200_000, 20, 20)
    try:
        execute_from_command_line(sys.argv)
    except EnvError as error:
        sys.exit(f"Numina cannot start:\n{error}")


if __name__ == "__main__":
    main()
