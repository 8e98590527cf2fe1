"""Log lines say what they were given and nothing of an error's message, and nobody waits for them to be read."""

import io
import json
import logging
import os
import sys
import threading

import pytest

from app.log_lines import FIELDS, LINES_KEPT, JsonLines, PatientHandler, TextLines, logging_config

CANARY = "pain_now=7"


def record(*, failure: BaseException | None = None) -> logging.LogRecord:
    told = (type(failure), failure, failure.__traceback__) if failure is not None else None
    made = logging.LogRecord("joint_risk.test", logging.INFO, "file", 1, "said %s", ("so",), told)
    made.__dict__[FIELDS] = {"route": "/v1/scores", "key": None}
    return made


def failure() -> ValueError:
    try:
        raise ValueError(CANARY)
    except ValueError as caught:
        return caught


def test_a_json_line_holds_moment_level_logger_message_and_fields() -> None:
    line = json.loads(JsonLines().format(record()))

    assert list(line) == ["time", "level", "logger", "message", "route", "key"]
    assert line["time"].endswith("Z")
    assert (line["level"], line["logger"], line["message"]) == ("info", "joint_risk.test", "said so")


def test_a_text_line_leaves_out_what_is_not_known() -> None:
    assert TextLines().format(record()).endswith(" INFO joint_risk.test said so route=/v1/scores")


@pytest.mark.parametrize("lines", [JsonLines(), TextLines()])
def test_an_error_is_told_by_its_class_and_place_and_not_by_its_message(lines: logging.Formatter) -> None:
    line = lines.format(record(failure=failure()))

    assert "ValueError" in line
    assert "in failure" in line
    assert CANARY not in line


def test_a_full_pipe_stops_nobody_and_what_is_given_up_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    stuck = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stderr", stuck)
    before = PatientHandler.dropped
    handler = PatientHandler()
    handler.setFormatter(JsonLines())
    event = record()
    event.__dict__[FIELDS] = {"filling": "x" * 500}
    extra = 2_000

    # Far more than a pipe and the queue together hold; were anybody waiting, this would never end.
    def emit_all() -> None:
        for _ in range(LINES_KEPT + extra):
            handler.emit(event)

    emitting = threading.Thread(target=emit_all, daemon=True)
    emitting.start()
    emitting.join(timeout=20)

    assert not emitting.is_alive()
    assert 0 < PatientHandler.dropped - before <= extra
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    os.close(reading)  # the reader is gone: what is written next fails, and the writer goes on
    handler.flush()


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_configuration_is_one_that_logging_takes(form: str) -> None:
    config = logging_config("json" if form == "json" else "text", level="debug")

    assert config["loggers"]["joint_risk"]["level"] == "DEBUG"
    assert config["loggers"]["uvicorn"]["level"] == "WARNING"
