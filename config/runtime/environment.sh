#!/bin/sh
# Makes what a command needs (the Python environment, Debian's libraries) and then runs it:
#   environment.sh run|up|down|status|test|cases|check|bench|manage [arguments]
# Does nothing that is already done: a second call takes a few milliseconds.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
command=${1:?"usage: environment.sh COMMAND [ARGUMENTS]"}
shift
cd "$root"

say() { printf '  %-14s %s\n' "$1" "$2" >&2; }
stop() { printf 'numina: %s\n' "$*" >&2; exit 1; }

# --- where things go: the checkout, or a folder of ours when the checkout belongs to somebody else -------------------
own="${XDG_DATA_HOME:-${HOME:-/tmp}/.local/share}/numina-$(printf %s "$root" | cksum | cut -d' ' -f1)"
if [ -z "${NUMINA_HOME:-}" ]; then
    if [ -d var ]; then probe=var; else probe=.; fi
    if [ -w "$probe" ]; then NUMINA_HOME="$root/var"; else NUMINA_HOME="$own/var"; fi
fi
case $NUMINA_HOME in /*) ;; *) NUMINA_HOME="$root/$NUMINA_HOME" ;; esac
export NUMINA_HOME
lock="$root/requirements/local.lock"

# --- Debian's packages -----------------------------------------------------------------------------------------------
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

debian_install() { # packages...; fails when they cannot be installed
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" != 0 ] && ! sudo -n true >/dev/null 2>&1; then return 1; fi
    say Debian "installing $*"
    apt="env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends"
    # The package lists may be missing or old; they are fetched only when the first try fails.
    # shellcheck disable=SC2086
    as_root $apt "$@" >/dev/null 2>&1 && return 0
    as_root apt-get -qq -o DPkg::Lock::Timeout=120 update >/dev/null 2>&1 || true
    # shellcheck disable=SC2086
    as_root $apt "$@" >/dev/null
}

type_this() { printf '%sapt-get install -y %s' "$([ "$(id -u)" = 0 ] || printf 'sudo ')" "$*"; }

pdf_libraries() { # what WeasyPrint opens when it makes a PDF
    known=$(/sbin/ldconfig -p 2>/dev/null || true)
    missing=""
    case $known in *libpango-1.0.so.0*) ;; *) missing="$missing libpango-1.0-0" ;; esac
    case $known in *libpangoft2-1.0.so.0*) ;; *) missing="$missing libpangoft2-1.0-0" ;; esac
    case $known in *libharfbuzz-subset.so.0*) ;; *) missing="$missing libharfbuzz-subset0" ;; esac
    [ -d /etc/fonts ] && command -v fc-list >/dev/null 2>&1 || missing="$missing fontconfig"
    [ -z "$missing" ] && return 0
    # shellcheck disable=SC2086
    debian_install $missing && return 0
    # shellcheck disable=SC2086
    say '!!' "statements as PDF will not work until you type: $(type_this $missing)"
}

chromium() { # for the tests that look at the staff site
    [ -x /usr/bin/chromium ] && return 0
    debian_install chromium && return 0
    say '!!' "browser tests will be LEFT OUT; to have them type: $(type_this chromium)"
}

# --- Python and its environment --------------------------------------------------------------------------------------
python_fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; }

python_find() {
    if [ -n "${PYTHON:-}" ]; then
        python_fits "$PYTHON" || stop "PYTHON=$PYTHON is not a Python from 3.11 to 3.13."
        return
    fi
    for PYTHON in python3.11 /usr/bin/python3.11 python3 python3.12 python3.13; do
        python_fits "$PYTHON" && return
    done
    debian_install python3 python3-venv && PYTHON=/usr/bin/python3 && python_fits "$PYTHON" && return
    stop "Python 3.11 to 3.13 is needed. Type: $(type_this python3 python3-venv)"
}

venv_is_current() { # the stamp holds the hash of the lock that was installed
    [ -r "$1/.numina-stamp" ] && [ "$(cat "$1/.numina-stamp")" = "$wanted" ] && "$1/bin/python" -c '' >/dev/null 2>&1
}

venv_install() {
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        python_find
        if ! "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            version=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
            debian_install "$version" || stop "Python cannot make environments here. Type: $(type_this "$version")"
        fi
        # Only a folder that is an environment, or the rest of one, is replaced.
        if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ] && [ ! -e "$venv/bin" ]; then stop "$venv is in the way."; fi
        rm -rf "$venv"
        "$PYTHON" -m venv "$venv"
    fi
    total=$(grep -c '^[A-Za-z0-9].*==' "$lock")
    say environment "installing $total packages into $venv"
    log="$venv/install.log"
    # pip's own lines go to a log; a terminal sees a count instead.
    ("$venv/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes -r "$lock" >"$log" 2>&1 \
        && touch "$venv/.installed") &
    worker=$!
    trap 'kill $worker 2>/dev/null || true; exit 130' INT TERM HUP
    if [ -t 2 ]; then
        while kill -0 $worker 2>/dev/null; do
            printf '\r  %-14s %s of %s packages fetched ' environment \
                "$(grep -c -E '^(Collecting|Requirement already)' "$log" 2>/dev/null || true)" "$total" >&2
            sleep 0.5
        done
        printf '\r%60s\r' '' >&2
    fi
    wait $worker || true
    trap - INT TERM HUP
    if [ ! -e "$venv/.installed" ]; then
        tail -n 15 "$log" >&2
        stop "the packages could not be installed; all of pip's output is in $log"
    fi
    rm -f "$venv/.installed"
    printf '%s' "$wanted" >"$venv/.numina-stamp"
}

environment() {
    wanted=$(sha256sum "$lock" | cut -d' ' -f1)
    for venv in "$root/.venv" "$own/venv"; do
        if venv_is_current "$venv"; then return; fi
    done
    if [ -w "$root" ] && { [ ! -e "$root/.venv" ] || [ -w "$root/.venv" ]; }; then venv="$root/.venv"; else venv="$own/venv"; fi
    mkdir -p "$(dirname "$venv")"
    started=$(date +%s)
    # Two starts at once: the second waits and then finds the work done.
    exec 9<"$lock"
    if command -v flock >/dev/null 2>&1; then flock 9; fi
    venv_is_current "$venv" || venv_install
    exec 9<&-
    say environment "ready  ($(($(date +%s) - started)) s)"
}

peers() { # what is measured beside Numina has an environment of its own: its packages are not ours
    peer="$NUMINA_HOME/bench-venv"
    peer_lock="$root/requirements/bench.lock"
    sum=$(sha256sum "$peer_lock" | cut -d' ' -f1)
    if [ "$(cat "$peer/.numina-stamp" 2>/dev/null || true)" != "$sum" ]; then
        say peers "installing the systems measured beside Numina into $peer"
        mkdir -p "$NUMINA_HOME"
        "$venv/bin/python" -m venv "$peer"
        "$peer/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r "$peer_lock"
        printf '%s' "$sum" >"$peer/.numina-stamp"
    fi
    NUMINA_BENCH_PYTHON="$peer/bin/python"
    export NUMINA_BENCH_PYTHON
}

environment
case $command in
run | up) pdf_libraries ;;
test) pdf_libraries; chromium ;;
manage) pdf_libraries ;;
esac
export PYTHONPATH="$root"
case $command in
bench) peers; exec "$venv/bin/python" -m config.runtime bench -- "$@" ;;
*) exec "$venv/bin/python" -m config.runtime "$command" -- "$@" ;;
esac
