"""The page that a runner reads: whole, in 80 columns, with colour or without, and nothing but a referral beside one."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from tests.api.command_line import NOT_INHERITED, in_one_line, page, run
from tests.api.service import EXAMPLES, example

POINTS = re.compile(r"^  +([+-]?\d+\.\d\d)  ")


def section(text: str, heading: str) -> str:
    """What stands under a heading of a page, up to the next one."""
    _, _, after = text.partition(f"\n{heading}")
    return re.split(r"\n\n(?=\S)", after)[0]


def test_a_page_says_how_much_why_how_sure_and_what_to_do(sqlite_store_url: str) -> None:
    text = page("risky-runner", store=sqlite_store_url)
    told = in_one_line(text)

    assert text.startswith("Going by published studies, runners like you have knee problems more often")
    assert "\nKNEE  74  raised\n" in text
    assert "\nLOWER BACK  46  typical\n" in text
    assert "About twice as often as the average of experienced runners: 1.97 times (95 % interval 1.31 to 2.94)" in told
    assert "100 % of what counts is known" in told
    assert re.search(r"\+12\.54 +│█+▌? +Longest run of the last 7 days", text)
    assert "longest of the 30 days before it: 1.5 (moderate evidence)" in told
    assert "1. For your next runs choose the longest run" in text
    assert "A runner like you but for this: knee 62 instead of 74, lower back 42 instead of 46." in told
    assert "An association, moderate evidence: Frandsen 2025." in told
    assert "19.8 km is the longest run inside the range that was not linked with more injuries." in told
    assert "The planned 26 km is outside that range." in told
    assert "You ran 160 minutes in the last 7 days." in told
    assert "This is general wellness information, not a diagnosis" in told
    assert "Rules 2026.1 (sha256:" in text


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("name", ["sound-runner", "risky-runner", "must-see-somebody"])
def test_a_page_fits_its_columns_and_a_pipe_gets_neither_colours_nor_blanks_at_line_ends(
    name: str, columns: int, sqlite_store_url: str
) -> None:
    words = ("score", str(EXAMPLES / f"{name}.json"))
    text = run(*words, store=sqlite_store_url, env={"COLUMNS": str(columns)}).out

    assert "\x1b" not in text
    assert [line for line in text.splitlines() if len(line) > columns or line != line.rstrip()] == []


@pytest.mark.parametrize(("joint", "score"), [("KNEE", 74), ("LOWER BACK", 46)])
def test_the_points_of_a_joint_add_up_to_its_score(joint: str, score: int, sqlite_store_url: str) -> None:
    text = page("risky-runner", store=sqlite_store_url)
    block = text.partition(f"\n{joint}  ")[2].partition("\n\n")[2].partition("\n\n")[0]
    points = [float(found[1]) for line in block.splitlines() if (found := POINTS.match(line))]

    assert len(points) > 4
    assert sum(points[:-1]) == pytest.approx(points[-1])
    assert round(points[-1]) == score
    assert f"is {score} on the scale" in block


def test_what_lowers_a_score_stands_left_of_the_axis_and_what_raises_it_right(sqlite_store_url: str) -> None:
    lowering = re.findall(r"-\d\.\d\d +[▐█]+│ ", page("sound-runner", store=sqlite_store_url))
    raising = re.findall(r"\+\d+\.\d\d +│█+▌? ", page("risky-runner", store=sqlite_store_url))

    assert len(lowering) == 4
    assert len(raising) >= 7


def test_whoever_must_see_somebody_reads_that_and_nothing_else(sqlite_store_url: str) -> None:
    text = page("must-see-somebody", store=sqlite_store_url)
    answer = json.loads(page("must-see-somebody", "--json", store=sqlite_store_url))
    told = in_one_line(text.replace("│", ""))

    assert text.splitlines()[0].startswith("╭─ Soon, and before you run again ─")
    assert "Stop running. See a doctor today or tomorrow." in told
    assert answer["joints"]["knee"]["score"] is not None  # there is a score, and it is not shown
    assert told.count(answer["referral"]["reasons"][0]["text"]) == 1
    for left_out in ("KNEE", "LOWER BACK", " 53", "WHAT", "km", "Sleep", "Sources", "World Health"):
        assert left_out not in text.replace(in_one_line(answer["notice"]), "")


def test_the_most_urgent_reason_comes_first(sqlite_store_url: str) -> None:
    request = example("must-see-somebody")
    request["runner"]["lower_back"]["symptoms"] = ["lb_night_pain", "lb_ces_saddle"]
    told = in_one_line(page(request, store=sqlite_store_url))

    assert told.startswith("╭─ Now, before anything else ─")
    assert told.index("Call the emergency number now") < told.index("Do not run until then")


def test_a_joint_that_needs_a_look_at_leisure_has_no_score_and_the_other_one_has(sqlite_store_url: str) -> None:
    request = example("risky-runner")
    request["runner"]["knee"]["pain_now"] = 6
    text = page(request, store=sqlite_store_url)

    assert text.startswith("╭─ Worth asking somebody ─")
    assert "\nKNEE  no score: see above\n\nLOWER BACK  46  typical\n" in text
    assert "knee 6" not in text
    assert "+21.48" not in text


def test_a_runner_of_whom_nothing_is_known_is_told_why_there_is_no_score_and_what_to_tell(
    sqlite_store_url: str,
) -> None:
    text = page({"runner": {}, "training": {}}, store=sqlite_store_url)
    told = in_one_line(text)

    assert text.startswith("No score can be given from what is known so far.")
    assert text.index("DOUBTS") < text.index("KNEE  no score") < text.index("LOWER BACK  no score")
    assert "0 % of what counts is known; with the rest, a score could come out anywhere from 1 to 100." in told
    assert re.search(r"\+18\.40 +│░+ +Earlier episodes of low back pain: not known", text)
    assert "on the scale" not in text
    assert "In the request: /training/sessions." in told
    assert "The warning signs of knee and lower back were not all asked, so none of them is ruled out." in told


def test_what_is_unknown_shows_as_a_range_and_as_one_question(sqlite_store_url: str) -> None:
    request = example("risky-runner")
    del request["runner"]["sleep_hours"]
    text = page(request, store=sqlite_store_url)
    told = in_one_line(text)

    assert re.search(r"the rest could still move the score, from \d+ to \d+", told)
    assert re.search(r"░+ +Sleep under 7 hours a night: not known", text)
    assert "Sleep hours: Hours of sleep a night, mean of the last two weeks." in told
    assert re.search(
        r"In the request: /runner/sleep_hours\. It could narrow the range of the knee by \d+ and of the lower back by "
        r"\d+ points\.",
        told,
    )


def test_doubts_are_told_with_the_place_they_are_about(sqlite_store_url: str) -> None:
    request = example("risky-runner")
    request["training"]["sessions"].append(dict(request["training"]["sessions"][-1]))
    doubts = in_one_line(section(page(request, store=sqlite_store_url), "DOUBTS"))

    assert doubts.startswith("! A session of the same day, distance and duration was given before")
    assert "(/training/sessions/15)" in doubts
    assert re.search(r"\d+ % of the points rest on very low evidence\.", doubts)


def test_a_long_list_of_advice_is_cut_but_for_what_sends_to_somebody_and_can_be_had_whole(
    sqlite_store_url: str,
) -> None:
    request = example("risky-runner")
    request["runner"]["knee"] = {"history": "current", "pain_now": 4, "symptoms": []}
    request["runner"]["lower_back"] = {"history": "recovered", "episodes": 4, "pain_now": 0, "symptoms": []}
    given = json.loads(page(request, "--json", store=sqlite_store_url))["advice"]
    cut = in_one_line(page(request, store=sqlite_store_url))
    whole = in_one_line(page(request, "--all", store=sqlite_store_url))

    assert len(given) > 12
    assert [advice["id"] for advice in given if in_one_line(advice["text"]) not in whole] == []
    shown = [advice for advice in given if in_one_line(advice["text"]) in cut]
    assert given[:8] == shown[:8]
    assert {advice["id"] for advice in given[8:] if advice["category"] == "professional"} == {
        advice["id"] for advice in shown[8:]
    }
    left_out = re.search(r"And (.*?): --all shows them\.", cut)
    assert left_out is not None
    assert sum(map(int, re.findall(r"\d+", left_out[1]))) == len(given) - len(shown)
    assert "--all shows them." not in whole


def test_a_terminal_gets_red_for_what_raises_green_for_what_lowers_and_grey_for_the_unknown(
    sqlite_store_url: str,
) -> None:
    request = example("risky-runner")
    del request["runner"]["core_strength"]
    coloured = on_a_terminal(request, store=sqlite_store_url)

    assert re.search(r"\x1b\[31m *\+21\.48", coloured)
    assert re.search(r"\x1b\[32m *-2\.97", coloured)
    assert re.search(r"\x1b\[90m *\+\d\.\d\d", coloured)
    for plain in (
        on_a_terminal(request, "--no-color", store=sqlite_store_url),
        on_a_terminal(request, store=sqlite_store_url, NO_COLOR="1"),
    ):
        assert "+21.48" in plain
        assert re.findall(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])m", plain) == []


def on_a_terminal(request: dict[str, Any], *options: str, store: str, **env: str) -> str:
    """What a real terminal receives."""
    primary, secondary = pty.openpty()
    kept = {name: told for name, told in os.environ.items() if name not in NOT_INHERITED}
    with closing(os.fdopen(primary, "rb")) as screen:
        command = [sys.executable, "-m", "app.cli", "score", "-", *options]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=secondary,
            env={**kept, "TERM": "xterm-256color", "JOINT_RISK_DATABASE_URL": store, **env},
        )
        os.close(secondary)
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(json.dumps(request).encode())
        received = b""
        try:
            while chunk := os.read(screen.fileno(), 65_536):
                received += chunk
        except OSError:
            pass  # how Linux says that the other side of the terminal is gone
        assert process.wait(timeout=60) == 0
    return received.decode()


def test_where_only_ascii_can_be_shown_the_page_is_drawn_in_ascii(sqlite_store_url: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "app.cli", "score", str(EXAMPLES / "sound-runner.json")],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "JOINT_RISK_DATABASE_URL": sqlite_store_url, "COLUMNS": "80"},
    ).stdout

    text = printed.decode("ascii")
    assert "\nKNEE  21  low\n" in text
    assert re.search(r"-8\.80 +#+\|", text)
