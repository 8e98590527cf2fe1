"""`joint-risk` run in this process as a user runs it: words in, what it printed and its exit code out."""

import json
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from typer.testing import CliRunner

from app.cli import main
from tests.api.service import EXAMPLES

NOT_INHERITED = dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "JOINT_RISK_HOST", "JOINT_RISK_PORT"))


class Ending(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def run(*words: str, store: str = "", stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ending:
    """Runs `joint-risk` with these words, 80 columns wide, its output piped."""
    settings = {
        **NOT_INHERITED,
        "COLUMNS": "80",
        **({"JOINT_RISK_DATABASE_URL": store} if store else {}),
        **(env or {}),
    }
    with CliRunner().isolation(input=stdin, env=settings) as (out, err, _):
        before, sys.argv = sys.argv, ["joint-risk", *words]
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.argv = before
        sys.stdout.flush()
        return Ending(code, out.getvalue().decode(), err.getvalue().decode())


def score(request: str | dict[str, Any], *options: str, store: str) -> Ending:
    """Scores one of the examples, or a request made up here, on this machine."""
    if isinstance(request, str):
        return run("score", str(EXAMPLES / f"{request}.json"), *options, store=store)
    return run("score", "-", *options, store=store, stdin=json.dumps(request).encode())


def page(request: str | dict[str, Any], *options: str, store: str) -> str:
    """The page that is printed of a runner who can be scored."""
    ending = score(request, *options, store=store)
    assert (ending.code, ending.err) == (0, "")
    return ending.out


def in_one_line(text: str) -> str:
    return " ".join(text.split())
