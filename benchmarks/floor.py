"""The floor under `POST /v1/scores`: the service itself, with two more routes that only read and answer.

`/floor/declared` is the floor as FastAPI's manual writes it: the request model as the parameter, so FastAPI reads,
parses and validates the body; it returns prebuilt bytes. `/floor/bare` is the least a service could do: the body parsed
once by pydantic-core, prebuilt bytes. Both stand behind the same front door as the real route.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import FastAPI, Request, Response

import app.runners.profile
from app.main import create_app
from app.runners import ScoreRequest


def _lax_request_model() -> Any:
    """The request model as FastAPI can read it: FastAPI validates parsed JSON, in which dates are still strings, so not
    strictly. Made from the same source, so that it cannot fall behind."""
    source = Path(app.runners.profile.__file__).read_text().replace("strict=True", "strict=False")
    lax = ModuleType("benchmarks.lax_profile")
    sys.modules[lax.__name__] = lax
    exec(compile(source, "lax_profile", "exec"), lax.__dict__)
    return lax.ScoreRequest


def create_floor_app() -> FastAPI:
    """The service with the floor's routes; the size of their answer is asked for by the query."""
    service = create_app()
    lax_model = _lax_request_model()
    prepared: dict[str, bytes] = {}

    def answer(request: Request) -> Response:
        size = request.query_params["size"]
        body = prepared.setdefault(size, b'{"floor":"' + b"x" * (int(size) - 12) + b'"}')
        return Response(body, media_type="application/json")

    async def bare(request: Request) -> Response:
        ScoreRequest.model_validate_json(await request.body())
        return answer(request)

    async def declared(request: Request, body: lax_model) -> Response:  # type: ignore[valid-type] # made at run time
        return answer(request)

    service.add_route("/floor/bare", bare, methods=["POST"])
    service.post("/floor/declared")(declared)
    # First, as the real route is among ours: else the floor would pay for being looked for behind every one of them.
    routes = service.router.routes
    routes[:0] = (routes.pop(), routes.pop())
    return service
