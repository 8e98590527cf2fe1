"""The bars of commands that take long, as they are drawn on a real terminal and nowhere else."""

import os
import pty
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from benchmarks.population import sparse_bodies
from tests.api.command_line import NOT_INHERITED
from tests.samples import sample

ERASED = "\x1b[2K"


class Seen(NamedTuple):
    """What a command printed, and what it drew on the terminal that its errors go to."""

    out: str
    screen: str


def see(*words: str, store: str = "") -> Seen:
    """Runs `joint-risk` with a terminal for its standard error, and its standard output piped."""
    primary, secondary = pty.openpty()
    kept = {name: told for name, told in os.environ.items() if name not in NOT_INHERITED}
    settings = {"TERM": "xterm-256color", "COLUMNS": "100", **({"JOINT_RISK_DATABASE_URL": store} if store else {})}
    with closing(os.fdopen(primary, "rb")) as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=secondary, env={**kept, **settings},
        )  # fmt: skip
        os.close(secondary)
        received = b""
        try:
            while chunk := os.read(screen.fileno(), 65_536):
                received += chunk
        except OSError:
            pass  # how Linux says that the other side of the terminal is gone
        assert process.stdout is not None
        with process.stdout:
            printed = process.stdout.read()
        assert process.wait(timeout=60) == 0, received
    return Seen(printed.decode(), received.decode())


def without_codes(screen: str) -> str:
    """The words alone: no colours, no moves of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)


def test_while_files_are_read_a_bar_says_how_many_of_them_and_goes_away(tmp_path: Path) -> None:
    for name in ("first.fit", "second.fit", "third.fit"):
        (tmp_path / name).write_bytes(sample("fit/activity-small-fenix2-run.fit"))

    seen = see("training", str(tmp_path), "--as-of", "2015-08-20", "--json")

    drawn = without_codes(seen.screen)
    assert re.search(r"Reading .*3/3 .*third\.fit", drawn)
    assert "━" in drawn
    assert ERASED in seen.screen[seen.screen.rindex("third.fit") :]
    assert seen.out.startswith('{"training"')


def test_of_one_file_no_bar_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "only.fit").write_bytes(sample("fit/activity-small-fenix2-run.fit"))

    assert see("training", str(tmp_path), "--as-of", "2015-08-20", "--json").screen == ""


def test_a_bulk_run_draws_a_bar_with_rate_and_time_left_and_takes_it_away(
    tmp_path: Path, sqlite_store_url: str
) -> None:
    rows, parts = 40, 3
    (tmp_path / "in").mkdir()
    bodies = list(sparse_bodies(rows * parts))
    for part in range(parts):
        lines = b"\n".join(bodies[part * rows : (part + 1) * rows])
        (tmp_path / "in" / f"{part}.jsonl").write_bytes(lines + b"\n")
    words = ("bulk", str(tmp_path / "in"), str(tmp_path / "out"), "--as-of", "2026-11-23", "--workers", "1")

    seen = see(*words, store=sqlite_store_url)

    drawn = without_codes(seen.screen)
    told = re.findall(r"(\d+)% ([\d,]+) rows, ([\d,]+) a second (\d+:\d\d:\d\d) (\d+:\d\d:\d\d|-:--:--)", drawn)
    percent, counted, rate, _, left = told[-1]
    assert (percent, counted, left) == ("100", "120", "0:00:00")
    assert int(rate.replace(",", "")) > 0
    assert ERASED in seen.screen[seen.screen.rindex("a second") :]
    assert "120 runners in 3 parts" in seen.out
