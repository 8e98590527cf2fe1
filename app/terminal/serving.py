"""The service as a process: its socket, its log lines, its server.

The socket is bound here and not by the server, so that a taken port is said in a sentence, and a port that the system
chose is known before anybody asks.
"""

import math
import os
import resource
import signal
import socket
import sys
from tempfile import TemporaryDirectory
from typing import Final

import typer
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from app.api.listening import bind_address
from app.api.management import STOP_MOST_S as OPERATORS_STOP_MOST_S
from app.api.training import BODY_MOST_BYTES as IMPORT_MOST_BYTES
from app.log_lines import logging_config
from app.settings import PREFIX, Settings
from app.telemetry import SHARED_FOLDER
from app.terminal.calls import local_url
from app.terminal.punctual import PunctualProtocol
from app.tracing import CLOSE_MOST_S

APPLICATION: Final = "app.main:create_app"
STOP_MOST_S: Final = 24
"""Draining and finishing together; whoever sent the signal is promised 25."""
LARGEST_CALL_BYTES: Final = IMPORT_MOST_BYTES
"""The most that one call sets aside: an import does; a stream of columns sets aside half as much."""
_SHARED_OUT: Final = ("rate_limit_per_minute", "wrong_keys_per_minute", "concurrent_calls", "stream_memory_bytes")


def derive_shares(settings: Settings, *, workers: int) -> dict[str, int]:
    """What each worker may take of the limits that all of them may take together, by the name of the setting.

    A share is rounded up, so that no worker is left with nothing. Of memory each has enough for the largest call that
    the whole could take, or such calls would be refused for ever by whichever worker they meet.

    Examples:
        >>> derive_shares(Settings(rate_limit_per_minute=0, concurrent_calls=3), workers=2)["concurrent_calls"]
        2
    """
    shares = {name: math.ceil(getattr(settings, name) / workers) for name in _SHARED_OUT}
    least_bytes = min(LARGEST_CALL_BYTES, settings.stream_memory_bytes)
    return {**shares, "stream_memory_bytes": max(shares["stream_memory_bytes"], least_bytes)}


def bind_socket(settings: Settings) -> socket.socket:
    """A socket at the address of the settings, not listening yet.

    Raises:
        OSError: the address is taken, not this machine's, or not for us to take.
    """
    bound = bind_address(settings.host, port=settings.port)
    bound.set_inheritable(True)
    return bound


def run_service(bound: socket.socket, *, settings: Settings, workers: int) -> None:
    """Serves until somebody ends it, and every call in hand is answered.

    Raises:
        SystemExit: with 1 where it could not start.
    """
    port = bound.getsockname()[1]
    # A core would put the runners of the calls in hand on a disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # The application reads its settings itself, in this process or in one of many that are started from here.
    os.environ.update({f"{PREFIX}HOST": settings.host, f"{PREFIX}PORT": str(port)})
    if settings.bundle is not None:
        os.environ[f"{PREFIX}BUNDLE"] = str(settings.bundle)
    url = local_url(settings.host, port)
    # What comes after the last answer counts, too.
    finish_most_s = STOP_MOST_S - settings.drain_s
    finish_most_s -= OPERATORS_STOP_MOST_S if settings.management_port is not None else 0
    finish_most_s -= CLOSE_MOST_S if settings.otlp_endpoint is not None else 0
    config = uvicorn.Config(
        APPLICATION,
        factory=True,
        workers=workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=PunctualProtocol,
        lifespan="on",
        log_config=logging_config(settings.log_format, level=settings.log_level),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(finish_most_s),
    )
    if workers > 1:
        _announce(url)
        with TemporaryDirectory(prefix="joint-risk-metrics-") as shared:
            # Each worker counts for itself, and whichever is asked adds them up; the limits are shared out.
            os.environ[SHARED_FOLDER] = shared
            for name, share in derive_shares(settings, workers=workers).items():
                os.environ[f"{PREFIX}{name.upper()}"] = str(share)
            supervisor = Multiprocess(config, sockets=[bound])
            supervisor.run()
        failed = any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes)
    else:
        # The server sends itself the signal that ended it once it is done; that it was asked to end is no failure.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        try:
            _Server(config, url=url).run(sockets=[bound])
            failed = False
        except SystemExit as end:
            failed = end.code == STARTUP_FAILURE
    if failed:
        sys.exit(1)


class _Server(uvicorn.Server):
    """The server, which says where it is once it takes calls."""

    def __init__(self, config: uvicorn.Config, *, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            _announce(self._url)


def _announce(url: str) -> None:
    typer.echo(f"Joint-risk listens at {url}")
    typer.echo(f"  {url}/docs       every call, to be tried in a browser")
    typer.echo(f"  {url}/v1/scores  where requests are sent (POST)")
    sys.stdout.flush()
