"""What operators and orchestrators ask: is it alive, may it be sent calls, has it started, how is it doing?

`livez` never looks at anything else: a store that is away must not get a process killed. `readyz` stays 200 while there
are rules to score by, because taking every replica out would turn an outage of the store into one of the service.
"""

import asyncio
import json
from typing import Any, Final

from fastapi import APIRouter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.api.deps import JSON, DirectRoute
from app.api.fixed_limits import fixed_limits
from app.api.permissions import Gate, Permission, public, public_until_keys
from app.api.responses import (
    LIVE_RESPONSE,
    METRICS_RESPONSE,
    READY_RESPONSE,
    UNREADY_RESPONSE,
    problem_responses,
)
from app.log_lines import PatientHandler
from app.settings import Settings
from app.telemetry import CONTENT_TYPE, Telemetry

router = APIRouter(tags=["operations"], route_class=DirectRoute)


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
        "loaded here; 503 while rules or keys were never loaded, or the process is on its way out (`draining`). With "
        "`?verbose`, `details` holds every setting (but secrets), every bound that is none, and what the process is "
        "busy with; once there are keys that needs one with `rules:read`, and where operators have a port of their own "
        "it is there alone."
    ),
    response_class=Response,
    responses={200: READY_RESPONSE, 503: UNREADY_RESPONSE},
    openapi_extra={
        "parameters": [
            {
                "name": "verbose",
                "in": "query",
                "required": False,
                "description": "Tell the settings, too.",
                "allowEmptyValue": True,
                "schema": {"type": "string"},
            }
        ]
    },
)
@public
async def get_readiness(request: Request) -> Response:
    """Says whether calls can be answered, and how the store stands."""
    state = _state(request.app)
    if request.app.state.drain.begun:
        state["status"] = "draining"
    state["details"] = _details(request) if "verbose" in request.query_params and _may_see_details(request) else None
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
    state = {**_state(request.app), "details": None}
    return _answer(state, status=503 if state["status"] == "starting" else 200)


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Numbers for operators",
    description=(
        "Counters, gauges and times as Prometheus reads them; of all workers where there are several. Once there are "
        "keys, it needs one with `rules:read`; behind a gateway (`JOINT_RISK_AUTH=off`) that scope has to be among "
        "`JOINT_RISK_AUTH_OFF_SCOPES`."
    ),
    response_class=Response,
    responses={200: METRICS_RESPONSE, **problem_responses(401, 403)},
)
@public_until_keys("rules:read")
async def get_metrics(request: Request) -> Response:
    """Writes every number of this process."""
    note_state(request.app)
    written = request.app.state.telemetry.write()
    return Response(written, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


MANAGEMENT_ONLY: Final = frozenset({"/livez", "/metrics"})
"""What leaves the port that callers reach, where operators have one of their own."""


def note_state(app: Starlette) -> None:
    """Sets the gauges to how this process stands now."""
    state = app.state.rules.state()
    telemetry: Telemetry = app.state.telemetry
    telemetry.set("joint_risk_build", 1, __version__)
    telemetry.set("joint_risk_store_up", float(state["store"] in ("ok", "ephemeral", "bundle")))
    telemetry.set("joint_risk_store_seen_age_seconds", app.state.rules.store_age_s)
    telemetry.set("joint_risk_keys_age_seconds", app.state.keys.age_s)
    telemetry.set("joint_risk_rule_sets_refused", len(state["refused"]))
    telemetry.set("joint_risk_log_lines_dropped", PatientHandler.dropped)
    for workshop in (app.state.workshop, app.state.importer):
        telemetry.set("joint_risk_jobs_waiting", workshop.jobs_waiting, workshop.name)
    if state["rule_set"] is not None:
        telemetry.serve(state["rule_set"]["version"], state["rule_set"]["digest"])


async def keep_noting_state(app: Starlette, *, every_s: float) -> None:
    """Sets the gauges for ever: with several workers, whichever is asked tells what the others last noted."""
    while True:
        note_state(app)
        await asyncio.sleep(every_s)


def _state(app: Starlette) -> dict[str, Any]:
    """How this process stands to its rules and its keys: without either nothing can be answered."""
    state: dict[str, Any] = {**app.state.rules.state()}
    state["keys"] = app.state.keys.standing
    if state["keys"] == "unknown":
        state["status"] = "starting"
    elif state["keys"] == "stale" and state["status"] == "ok":
        state["status"] = "degraded"
    if app.state.settings.bundle is not None:
        state.update(store="bundle", store_seen_s_ago=None)
    elif state["store"] == "ok" and app.state.is_store_ephemeral:
        state["store"] = "ephemeral"
    return state


def _may_see_details(request: Request) -> bool:
    """Operators on their own port may; on the port that callers reach, whoever may read rules, if there is no other."""
    if getattr(request.app, "is_management", False):
        return True
    gate: Gate = request.app.state.gate
    has_own_port = request.app.state.settings.management_port is not None
    return not has_own_port and gate.allows(request.scope, Permission("rules:read", until_keys=True))


def _details(request: Request) -> dict[str, Any]:
    settings: Settings = request.app.state.settings
    return {
        "release": __version__,
        "settings": settings.model_dump(mode="json", exclude={"database_url", "key", "otlp_endpoint"}),
        "fixed_limits": {name: limit.most for name, limit in fixed_limits().items()},
        "store_kind": _kind_of(settings),
        "keys_age_s": int(request.app.state.keys.age_s) if request.app.state.keys.are_loaded else None,
        "calls_in_flight": request.app.state.telemetry.calls_in_flight,
        "log_lines_dropped": PatientHandler.dropped,
    }


def _kind_of(settings: Settings) -> str:
    return "bundle" if settings.bundle is not None else settings.database_url.partition(":")[0].partition("+")[0]


def _answer(told: dict[str, Any], *, status: int = 200) -> Response:
    return Response(
        json.dumps(told).encode(), status_code=status, media_type=JSON, headers={"Cache-Control": "no-store"}
    )
