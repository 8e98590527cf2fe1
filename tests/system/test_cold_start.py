"""A service that starts loads what the first score needs, and leaves the rest to whoever asks for it first."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from app.settings import PREFIX

NOT_BEFORE_THE_FIRST_SCORE = {
    "alembic": "a store that is up to date is not migrated",
    "app.api.answers": "models that describe answers belong to the description",
    "app.api.batch_arrow": "columns are read when they come",
    "app.population": "nobody is compared",
    "app.readers": "no training file is read",
    "app.rule_sets.card": "no card is written",
    "app.rule_sets.checks": "no draft is checked",
    "app.rule_sets.comparison": "nothing is compared",
    "app.rule_sets.testpack": "no cases are made up",
    "app.rule_sets.yaml_syntax": "the store keeps JSON",
    "httpx": "nobody is called",
    "limits": "without keys nothing is counted",
    "numpy": "one runner is no column",
    "opentelemetry.sdk": "no traces are wanted",
    "psycopg": "the store is SQLite",
    "pyarrow": "one runner is no column",
    "rich": "nothing is drawn",
    "typer": "the application knows no command line",
    "yaml": "the store keeps JSON",
}
PROGRAM = """
import asyncio, json, sys
from app.main import create_app

async def score():
    app = create_app()
    body = b'{"runner": {"age_years": 41}, "training": {}}'
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/v1/scores", "raw_path": b"/v1/scores", "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
        print(json.dumps([sent[0]["status"], sorted(sys.modules)]))

asyncio.run(score())
"""


def test_the_first_score_waits_for_nothing_that_it_has_no_use_for(tmp_path: Path) -> None:
    environment = {f"{PREFIX}DATABASE_URL": f"sqlite:///{tmp_path}/store.db"}
    joint_risk = [sys.executable, "-m", "app.cli"]
    subprocess.run([*joint_risk, "migrate"], env=environment, check=True, capture_output=True)

    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True
    ).stdout
    status, loaded = json.loads(told)

    assert status == 200
    assert sorted(NOT_BEFORE_THE_FIRST_SCORE.keys() & set(loaded)) == []
    # What is named here exists, or nothing would be held to it.
    assert {name for name in NOT_BEFORE_THE_FIRST_SCORE if find_spec(name) is None} == set()
