"""The port that only operators reach: metrics, liveness, and readiness with its settings.

Without `JOINT_RISK_MANAGEMENT_PORT` the same endpoints answer on the port that callers reach. With it they answer here
alone, in the same process and event loop, so that what they say is what callers meet.
"""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.api.front_door import foreign_header
from app.api.listening import bind_address
from app.api.operations import get_liveness, get_metrics, get_readiness, get_startup
from app.api.permissions import Gate
from app.api.problems import problem_of
from app.settings import Settings

STOP_MOST_S: Final = 1
"""Whoever asks and does not read the answer is waited for no longer: it comes out of the 25 s of the whole process."""


class _Beside(uvicorn.Server):
    """A server that leaves signals to the one that it runs beside."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catches none."""
        yield


class _Operators(Starlette):
    """The application on the operators' port; whoever reaches it is let in.

    But while this machine alone is served, no web page may read the settings under a name of its own, here either.
    """

    is_management = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call."""
        gate: Gate = self.state.gate
        if scope["type"] == "http" and gate.serves_this_machine_only:
            for name, told in scope["headers"]:
                refusal = foreign_header(name, told)
                if refusal is not None:
                    await problem_of(scope, refusal)(scope, receive, send)
                    return
        await super().__call__(scope, receive, send)


def ensure_port_is_free(settings: Settings, *, callers_port: int) -> None:
    """Makes sure before anything starts that the operators' port can be taken, where one is set.

    Workers share it later, and would with another service that means to share it, too; here it is asked for alone.

    Raises:
        OSError: it is taken, by callers (`callers_port`) or by somebody else, or not for us to take.
    """
    if settings.management_port is None:
        return
    if settings.management_port == callers_port:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    bind_address(settings.host, port=settings.management_port).close()


@asynccontextmanager
async def serve_management(app: FastAPI, *, settings: Settings) -> AsyncIterator[None]:
    """Serves the operators' endpoints on their own port, where one is set.

    Raises:
        OSError: the port is taken.
    """
    if settings.management_port is None:
        yield
        return
    operators = _Operators(
        routes=[
            Route("/livez", get_liveness),
            Route("/readyz", get_readiness),
            Route("/startupz", get_startup),
            Route("/metrics", get_metrics),
        ]
    )
    operators.state = app.state
    # Workers share the port: each answers for itself where it is asked about itself, and for all about numbers.
    bound = bind_address(
        settings.host, port=settings.management_port, options=(socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    )
    config = uvicorn.Config(
        operators,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_MOST_S,
    )
    server = _Beside(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        bound.close()
