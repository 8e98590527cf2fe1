"""The whole service in this process, asked over ASGI as a client would, and a rule author's hand on the ledgers."""

import asyncio
import gzip
import json
from collections.abc import Coroutine
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from sqlalchemy import Table, insert

from app.database import connect_engine
from app.main import create_app
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.rule_sets.in_force import RulesInForce
from app.rule_sets.store import rule_set_activation, rule_set_version
from app.settings import Settings

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ADDRESS = "http://127.0.0.1:8000"
LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)
PROBLEM = "application/problem+json"
STORE_IS_THERE = ("ok", "ephemeral")
"""What `readyz` says of a store that answers; the second where the tests' own folder goes with a container."""


class Service:
    """The service, started with these settings; every question runs its event loop until it is answered.

    Between questions the loop stands still, so nothing happens that a test does not ask for.
    """

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.app = create_app(Settings(database_url=database_url, **{"poll_s": 3600, **settings}))
        self._runner = asyncio.Runner()
        self._lifespan = self.app.router.lifespan_context(self.app)

    def __enter__(self) -> Self:
        self._runner.run(self._lifespan.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._lifespan.__aexit__(kind, error, trace))
        self._runner.close()

    @property
    def rules(self) -> RulesInForce:
        rules: RulesInForce = self.app.state.rules
        return rules

    def look_at_store(self) -> None:
        """What the polls do every few seconds."""
        self._runner.run(self.rules.look())
        self._runner.run(self.app.state.keys.look())

    def ask(self, method: str, path: str, **call: Any) -> httpx.Response:
        """One call; without an Accept-Encoding of its own it asks for no packing."""
        headers = {"Accept-Encoding": "identity", **call.pop("headers", {})}
        return self._runner.run(self._ask(method, path, headers=headers, **call))

    def race(self, **calls: dict[str, Any]) -> list[str]:
        """Begins these calls together, and returns their names as they are answered."""

        async def answered() -> list[str]:
            finished: list[str] = []

            async def run(name: str, call: dict[str, Any]) -> None:
                await self._ask(**call)
                finished.append(name)

            await asyncio.gather(*(run(name, call) for name, call in calls.items()))
            return finished

        return self._runner.run(answered())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs this in the service's own event loop."""
        self._runner.run(work)

    async def ask_now(self, method: str, path: str, **call: Any) -> httpx.Response:
        """One call from inside the loop."""
        return await self._ask(method, path, **call)

    async def _ask(self, method: str, path: str, **call: Any) -> httpx.Response:
        # An error that leaves the application would take the connection down: let the test see it.
        transport = httpx.ASGITransport(
            self.app, raise_app_exceptions=True, client=(call.pop("client", "127.0.0.1"), 1234)
        )
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
            return await client.request(method, path, **call)

    def get(self, path: str, **call: Any) -> httpx.Response:
        return self.ask("GET", path, **call)

    def score(self, request: object, path: str = "/v1/scores", **call: Any) -> httpx.Response:
        """Scores a runner, given as what JSON can hold or as bytes."""
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        headers = {"Content-Type": "application/json", **call.pop("headers", {})}
        return self.ask("POST", path, content=body, headers=headers, **call)


@cache
def _example(name: str) -> str:
    return (EXAMPLES / f"{name}.json").read_text(encoding="utf-8")


def example(name: str = "risky-runner") -> dict[str, Any]:
    """One of the runners in `examples/`, to be changed at will."""
    told: dict[str, Any] = json.loads(_example(name))
    return told


def packed(request: object) -> bytes:
    return gzip.compress(json.dumps(request).encode(), mtime=0)


def ensure_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem that an answer holds; fails unless it has the shape that every problem has."""
    assert answer.headers["Content-Type"] == PROBLEM, f"{answer.status_code} {answer.text[:500]}"
    told: dict[str, Any] = answer.json()
    assert answer.status_code == status, told
    assert list(told) == ["type", "title", "status", "detail", "instance", "errors", "errors_left_out"]
    assert told["type"] == f"urn:joint-risk:problem:{slug}"
    assert told["status"] == status
    assert told["instance"] == answer.headers["Request-Id"]
    assert all(told[member] for member in ("title", "detail"))
    assert all(list(fault) == ["pointer", "code", "detail"] for fault in told["errors"])
    assert len(told["errors"]) <= 100
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return told


def faults_of(answer: httpx.Response) -> set[tuple[str, str]]:
    """Pointer and code of every fault of an answer that says 422."""
    return {(fault["pointer"], fault["code"]) for fault in ensure_problem(answer, 422, "invalid-input")["errors"]}


def _shipped_document() -> dict[str, Any]:
    document: dict[str, Any] = published_document("2026.1")
    return document


class Author:
    """Puts rows into the ledgers, as the life of rule sets will."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def publish(self, version: str, *, document: dict[str, Any] | None = None, digest: str | None = None) -> None:
        """Publishes a document, or the shipped one with a notice of its own, so that its digest is its own too."""
        if document is None:
            document = _shipped_document()
            document["texts"]["notice"] = f"These are the rules {version}."
        canonical = canonical_bytes(document)
        year, number = version.split(".")
        row = {
            "version": version,
            "year": int(year),
            "number": int(number),
            "digest": digest or digest_of(canonical),
            "published_at": LONG_AGO,
            "published_by": "ann",
            "authors": ["ann"],
            "reason": "for this test",
            "document": canonical.decode(),
        }
        self._insert(rule_set_version, row)

    def activate(
        self,
        sequence: int,
        version: str | None,
        *,
        effective_at: datetime = LONG_AGO,
        activated_at: datetime = LONG_AGO,
        cancels: tuple[int, ...] = (),
    ) -> None:
        """Adds a row to the ledger of activations; one without a version only cancels."""
        row = {
            "sequence": sequence,
            "version": version,
            "effective_at": None if version is None else effective_at,
            "activated_at": activated_at,
            "activated_by": "bob",
            "reason": "for this test",
            "cancels": list(cancels),
        }
        self._insert(rule_set_activation, row)

    def _insert(self, table: Table, row: dict[str, Any]) -> None:
        engine = connect_engine(self._url)
        try:
            with engine.begin() as connection:
                connection.execute(insert(table), row)
        finally:
            engine.dispose()


class Outage:
    """Takes a SQLite store away, file and all, and brings it back."""

    def __init__(self, service: Service, database_url: str) -> None:
        self._service = service
        self._file = Path(database_url.removeprefix("sqlite:///"))
        self._kept = self._file.with_suffix(".kept")

    def begin(self) -> None:
        # An open file outlives its name, so the service's connections have to go too.
        self._service.app.state.engine.dispose()
        self._file.rename(self._kept)
        # Where a file is missing SQLite makes a new one; where a folder stands it cannot.
        self._file.mkdir()

    def end(self) -> None:
        self._file.rmdir()
        self._kept.rename(self._file)
