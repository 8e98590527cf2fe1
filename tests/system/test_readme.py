"""What the README lets a newcomer type: the files of a runner by one command and by two calls, and `make run`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.test_docs import boxes
from tests.system.running import ROOT, Server
from tests.system.test_operators_port import free_port

INSTALLED = Path(sys.executable).with_name("joint-risk")
SHOWN = json.loads(boxes("README.md", kind="json")[0])["joints"]
WANTS_A_KEY = 10


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what a checkout has after `make setup`, and a store of its own."""
    for path in ("examples", "tools"):
        (tmp_path / path).symlink_to(ROOT / path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "joint-risk").symlink_to(INSTALLED)
    return tmp_path


def shell(command: str, *, within: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as somebody types it, in a shell that knows no more than every shell."""
    ours = {name: told for name, told in os.environ.items() if not name.startswith("JOINT_RISK_")}
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=within, env={**ours, "COLUMNS": "80", **environment},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def files_box(*, word: str) -> str:
    """The one box of the README about files that holds a word."""
    (found,) = [box for box in boxes("README.md", kind="sh") if "examples/files/runs" in box and word in box]
    return found


def test_the_readmes_command_scores_a_folder_of_files(checkout: Path) -> None:
    done = shell(files_box(word="joint-risk score"), within=checkout)

    assert done.returncode == 0, done.stderr
    assert f"KNEE  {SHOWN['knee']['score']}  {SHOWN['knee']['level']}" in done.stdout
    assert f"LOWER BACK  {SHOWN['lower_back']['score']}" in done.stdout
    assert done.stderr.endswith("4 runs of the last 400 days were read.\n")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's calls are made by curl, which is not installed")
def test_the_readmes_two_calls_give_the_score_of_its_command(checkout: Path, server: Server) -> None:
    box = files_box(word="/v1/training:import").replace("http://127.0.0.1:8000", server.url)

    done = shell(box, within=checkout)

    assert done.returncode == 0, done.stderr
    joints = json.loads(done.stdout)["joints"]
    for joint, shown in SHOWN.items():
        assert joints[joint]["score"] == shown["score"]
        assert joints[joint]["score_range"] == shown["score_range"]
    assert server.end() == 0  # so that every line is written
    routes = [line["route"] for line in server.log_lines() if line["message"] == "call"]
    assert routes == ["/v1/training:import", "/v1/scores"]


def page_of(done: subprocess.CompletedProcess[str]) -> str:
    """The scored runner, without the addresses around, whose port is another each time."""
    return done.stdout[done.stdout.index("KNEE") : done.stdout.index("Joint-risk is running.")]


def test_make_run_scores_until_there_are_keys_and_then_says_what_it_needs(checkout: Path) -> None:
    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        return shell("tools/run.sh", within=checkout, PORT=str(free_port()), RUN_ONCE="1", **environment)

    without_keys = run()
    assert without_keys.returncode == 0, without_keys.stderr

    made = shell(".venv/bin/joint-risk keys create --name mine --scope score", within=checkout)
    assert made.returncode == 0, made.stderr
    refused = run()
    assert refused.returncode == WANTS_A_KEY
    assert "To see it: JOINT_RISK_KEY=jrk_... make run" in refused.stderr
    assert "Joint-risk is running." in refused.stdout  # the service is what was asked for

    with_key = run(JOINT_RISK_KEY=made.stdout.strip())
    assert with_key.returncode == 0, with_key.stderr
    assert page_of(with_key) == page_of(without_keys)
