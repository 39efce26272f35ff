"""Free ports on 127.0.0.1, remembered so that a server keeps its port from one start to the next."""

import socket

from config.runtime.home import Home, json_read, json_write
from config.runtime.report import RuntimeFault

ADDRESS = "127.0.0.1"
WEB_PORT_DEFAULT = 8000
WEB_PORTS_TRIED = 100


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without this a port whose last server just ended would look busy for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
        probe.listen(1)
        return True


def port_any() -> int:
    """A port that is free now, chosen by the kernel."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def port_for(home: Home, service: str) -> int:
    """The port that `service` had last time when that is free, otherwise another, remembered for the next time."""
    known = json_read(home.ports_file)
    port = known.get(service)
    if isinstance(port, int) and port_is_free(port):
        return port
    port = port_any()
    json_write(home.ports_file, {**known, service: port})
    return port


def web_port(wanted: str | None) -> tuple[int, str]:
    """The port of the site and a remark to show. `wanted` is NUMINA_PORT, or None when it is not set.

    Raises `RuntimeFault` when the wanted port is busy or is none. Without a wish the next free one is taken.
    """
    if wanted:
        if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= 65_535):
            raise RuntimeFault(f"NUMINA_PORT must be a port number from 1 to 65535, not {wanted!r}.")
        if not port_is_free(int(wanted)):
            raise RuntimeFault(f"Port {wanted} is busy or not allowed: free it, or set NUMINA_PORT to another.")
        return int(wanted), ""
    for port in range(WEB_PORT_DEFAULT, WEB_PORT_DEFAULT + WEB_PORTS_TRIED):
        if port_is_free(port):
            remark = "" if port == WEB_PORT_DEFAULT else f"port {WEB_PORT_DEFAULT} is busy, so this copy uses {port}"
            return port, remark
    raise RuntimeFault(f"No free port from {WEB_PORT_DEFAULT} on: set NUMINA_PORT.")
