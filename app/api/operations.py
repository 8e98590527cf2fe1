"""What operators and orchestrators ask: is the process alive, may it be sent calls, has it started?

`livez` never looks at anything else: a store that is away must not get a process killed. `readyz` stays 200 while there
are rules to score by, because taking every replica out would turn an outage of the store into one of the service.
"""

import json
from typing import Any, cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import JSON, DirectRoute, keys_held, rules_in_force
from app.api.limits import Drain
from app.api.permissions import public
from app.api.responses import LIVE_RESPONSE, READY_RESPONSE, UNREADY_RESPONSE

router = APIRouter(tags=["operations"], route_class=DirectRoute)


def drain_of(request: Request) -> Drain:
    """Whether this process is on its way out."""
    return cast(Drain, request.app.state.drain)


@router.get(
    "/livez",
    operation_id="get_liveness",
    summary="Is the process alive?",
    response_class=Response,
    responses={200: LIVE_RESPONSE},
)
@public
async def get_liveness(_request: Request) -> Response:
    """Says that the process answers, and looks at nothing else."""
    return _answer({"status": "ok"})


@router.get(
    "/readyz",
    operation_id="get_readiness",
    summary="May it be sent calls?",
    description=(
        "200 while there are rules to score by, `degraded` when the store is away or a rule set in force cannot be "
        "loaded here; 503 while rules or keys were never loaded, or the process is on its way out (`draining`)."
    ),
    response_class=Response,
    responses={200: READY_RESPONSE, 503: UNREADY_RESPONSE},
)
@public
async def get_readiness(request: Request) -> Response:
    """Says whether calls can be answered, and how the store stands."""
    state = _state(request)
    if drain_of(request).begun:
        state["status"] = "draining"
    return _answer(state, status=503 if state["status"] in ("starting", "draining") else 200)


@router.get(
    "/startupz",
    operation_id="get_startup",
    summary="Has it started?",
    description="503 until rules and keys were loaded for the first time, 200 ever after.",
    response_class=Response,
    responses={200: READY_RESPONSE, 503: UNREADY_RESPONSE},
)
@public
async def get_startup(request: Request) -> Response:
    """Says whether rules and keys were ever loaded."""
    state = _state(request)
    return _answer(state, status=503 if state["status"] == "starting" else 200)


def _state(request: Request) -> dict[str, Any]:
    """How this process stands to its rules and its keys: without either nothing can be answered."""
    state: dict[str, Any] = {**rules_in_force(request).state()}
    if not keys_held(request).are_loaded:
        state["status"] = "starting"
    return state


def _answer(told: dict[str, Any], *, status: int = 200) -> Response:
    return Response(
        json.dumps(told).encode(), status_code=status, media_type=JSON, headers={"Cache-Control": "no-store"}
    )
