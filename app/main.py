"""Puts the service together: settings, store, rules in force, routes, problems, the front door."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from fastapi import FastAPI
from sqlalchemy import Engine, make_url
from starlette.staticfiles import StaticFiles

from app import __version__
from app.access.files import KeyFile
from app.access.held import KeysHeld, KeySource
from app.access.store import KeyStore
from app.api.front_door import FrontDoor
from app.api.limits import Drain, drain_on_sigterm, end_with_supervisor
from app.api.management import serve_management
from app.api.openapi_document import DESCRIPTION, DOCS_FILES, DOCS_FILES_PATH, ROUTERS, TITLE
from app.api.operations import MANAGEMENT_ONLY, keep_noting_state
from app.api.permissions import Gate
from app.api.problems import add_problem_handlers
from app.api.published_work import KeptWork, open_workshop
from app.api.rates import Rates
from app.api.streams import StreamRoom
from app.api.training import open_importer
from app.database import SchemaState, connect_engine, connect_nowhere, is_store_ephemeral, schema_state
from app.rule_sets.bundle import read_bundle
from app.rule_sets.drafts import DraftDesk
from app.rule_sets.examining import Examiner
from app.rule_sets.in_force import RulesInForce
from app.rule_sets.ledgers import RuleSetLedgers
from app.rule_sets.store import RuleSetStore
from app.settings import Settings, folder_of_secrets, read_settings
from app.telemetry import Telemetry
from app.tracing import Tracing


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service; it takes calls at once and scores as soon as its lifespan has loaded the rules.

    Args:
        settings: those of the environment where they are left out, as for `uvicorn --factory app.main:create_app`.

    Raises:
        InvalidSettingsError: the settings cannot be used.
        UnreadableFileError, UnusableFileError: a bundle was to be served, and it cannot be.
    """
    settings = settings or read_settings()
    engine, store, key_source, schema = _sources(settings)
    ledgers = RuleSetLedgers(engine, second_person=settings.second_person_rule)
    out_of_reach = _out_of_reach(settings)
    workshop = open_workshop(out_of_reach=out_of_reach)
    drain = Drain()
    rules = RulesInForce(store, poll_s=settings.poll_s, timeout_s=settings.store_timeout_s, schema=schema)
    keys = KeysHeld(key_source, poll_s=settings.poll_s, schema=schema)
    gate = Gate(keys, settings=settings)
    telemetry = Telemetry()
    rates = Rates(settings.rate_limit_per_minute, telemetry=telemetry)
    importer = open_importer(out_of_reach=out_of_reach)
    tracing = Tracing.starting(settings.otlp_endpoint, share=settings.trace_share)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.gather(rules.look(), keys.look())
        forever = (rules.keep_looking(), keys.keep_looking(), keep_noting_state(app, every_s=settings.poll_s))
        looking = [asyncio.create_task(each) for each in forever]
        with drain_on_sigterm(drain, drain_s=settings.drain_s), end_with_supervisor():
            async with serve_management(app, settings=settings):
                yield
        for task in looking:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        importer.close()
        workshop.close()
        rules.close()
        keys.close()
        engine.dispose()
        if tracing is not None:
            await asyncio.to_thread(tracing.close)

    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version=__version__,
        lifespan=lifespan,
        # Ours are served offline, and a redirect would repeat a Host header that a caller made up.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # It would record what failed to validate, a runner's values included.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = settings
    app.state.engine = engine
    app.state.store = store
    app.state.is_store_ephemeral = settings.bundle is None and is_store_ephemeral(settings.database_url)
    app.state.workshop = workshop
    app.state.kept_work = KeptWork()
    app.state.ledgers = ledgers
    app.state.desk = DraftDesk(engine)
    app.state.examiner = Examiner(workshop)
    app.state.rules = rules
    app.state.keys = keys
    app.state.gate = gate
    app.state.drain = drain
    app.state.importer = importer
    app.state.telemetry = telemetry
    app.state.rates = rates
    app.state.streams = StreamRoom(memory_bytes=settings.stream_memory_bytes, idle_s=settings.stream_idle_s)
    add_problem_handlers(app)
    app.add_middleware(
        FrontDoor, gate=gate, drain=drain, rates=rates, settings=settings, telemetry=telemetry, tracing=tracing
    )
    moved = frozenset[str]() if settings.management_port is None else MANAGEMENT_ONLY
    for router in ROUTERS:
        # Not `include_router`, which matches every call twice (15 µs of it): nothing has to be changed on the way in.
        app.router.routes.extend(route for route in router.routes if getattr(route, "path", None) not in moved)
    app.mount(DOCS_FILES_PATH, StaticFiles(directory=DOCS_FILES), name="docs files")
    return app


def _out_of_reach(settings: Settings) -> tuple[Path, ...]:
    """What no job may open, wherever it lies: the store, the bundle, the file of keys, the folder of secrets."""
    told = [path for path in (settings.bundle, settings.keys_file, folder_of_secrets()) if path is not None]
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        file = url.database.removeprefix("file:")
        told += [Path(file + ending) for ending in ("", "-journal", "-shm", "-wal")]
    return tuple(told)


class _Sources(NamedTuple):
    """Where rules and keys come from."""

    engine: Engine
    store: RuleSetStore
    keys: KeySource
    schema: Callable[[], SchemaState]


def _sources(settings: Settings) -> _Sources:
    """The store of the settings; or, where there is a bundle, that and nothing else."""
    if settings.bundle is None:
        engine = connect_engine(settings.database_url, timeout_s=settings.store_timeout_s)
        return _Sources(engine, RuleSetStore(engine), KeyStore(engine), partial(schema_state, engine))
    return _Sources(connect_nowhere(), read_bundle(settings.bundle), KeyFile(settings.keys_file), lambda: "current")
