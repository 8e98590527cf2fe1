"""Where the time goes: the functions that a piece of work spends most of it in, for goals that are missed."""

import asyncio
import cProfile
import gc
import logging
import pstats
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.types import Message, Scope

from app.main import create_app
from app.settings import Settings

TOP = 8


def profile_of(work: Callable[[], object]) -> list[str]:
    """The functions that a piece of work spends most time in by itself, as rows; under cProfile, so shares only.

    Garbage is collected before and not meanwhile: over all that is held here that takes a fifth of the time, and falls
    to whichever function is at work just then.
    """
    profile = cProfile.Profile()
    gc.collect()
    gc.disable()
    try:
        profile.runcall(work)
    finally:
        gc.enable()
    functions: dict[Any, Any] = vars(pstats.Stats(profile))["stats"]
    whole = sum(row[2] for row in functions.values())
    found = sorted(functions.items(), key=lambda item: -item[1][2])[:TOP]
    return [f"| `{Path(at[0]).name}:{at[2]}` | {row[2] / whole:.0%} |" for at, row in found]


def profile_of_calls(database_url: str, bodies: list[bytes]) -> list[str]:
    """The same of whole calls at the application's door: all but the server and its sockets."""
    logging.getLogger("joint_risk").setLevel(logging.ERROR)  # as in the rounds that are compared
    with asyncio.Runner() as loop:
        app = create_app(Settings(database_url=database_url))
        life = app.router.lifespan_context(app)
        loop.run(life.__aenter__())
        try:

            async def call_all() -> None:
                for body in bodies:
                    await _call(app, body)

            loop.run(call_all())
            return profile_of(lambda: loop.run(call_all()))
        finally:
            loop.run(life.__aexit__(None, None, None))


async def _call(app: Callable[..., Any], body: bytes) -> None:
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/v1/scores", "raw_path": b"/v1/scores", "root_path": "", "query_string": b"detail=full",
        "headers": [
            (b"host", b"127.0.0.1"), (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
        "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(f"answered with {message['status']}")

    await app(scope, receive, send)
