"""One event, one line: JSON for machines, or words and `name=value` for people.

A line says what an event's maker put into its `fields`, and nothing of an error but its class and where it happened: an
error's message may repeat what a caller sent.

Lines are written by a thread of their own. Whoever reads them may stop reading (a full pipe, a stuck collector); then
lines are given up, counted, and no call waits.
"""

import logging
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, Full, Queue
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Final

import orjson

from app.settings import LogFormat

LINES_KEPT: Final = 10_000
LINES_AT_ONCE: Final = 100
FIELDS: Final = "fields"
"""The attribute of a log record that holds its fields: `log.info("…", extra={FIELDS: {…}})`."""


def describe_failure(failure: BaseException) -> str:
    """The class of an error and the lines of code that it came through, newest last; never its message."""
    return "\n  ".join([type(failure).__name__, *_frames(failure.__traceback__)])


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)]


class JsonLines(logging.Formatter):
    """An event as one JSON object: `time` (UTC), `level`, `logger`, `message`, its fields; `failure` for an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        told: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            told["failure"] = describe_failure(record.exc_info[1])
        return orjson.dumps(told, default=str).decode()


class TextLines(logging.Formatter):
    """The same for people: moment, level, logger, message, then each field as `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a failure takes more of them, indented."""
        fields = "".join(f" {name}={told}" for name, told in getattr(record, FIELDS, {}).items() if told is not None)
        line = f"{_moment(record)} {record.levelname} {record.name} {record.getMessage()}{fields}"
        if record.exc_info and record.exc_info[1] is not None:
            line += "\n  " + describe_failure(record.exc_info[1])
        return line


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class PatientHandler(logging.Handler):
    """Hands lines to a thread that writes them to standard error, and gives up those that find no room.

    Attributes:
        dropped: lines given up, of all handlers of this process.
    """

    dropped = 0
    _told = 0

    def __init__(self) -> None:
        super().__init__()
        self._lines: Queue[str] = Queue(maxsize=LINES_KEPT)
        self._writer: Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queues the line; never waits."""
        if self._writer is None:
            # A daemon, so that a reader who never comes back cannot keep the process from ending.
            self._writer = Thread(target=self._write, name="log lines", daemon=True)
            self._writer.start()
        try:
            self._lines.put_nowait(self.format(record))
        except Full:
            PatientHandler.dropped += 1

    def flush(self) -> None:
        """Waits for what is queued to be written, at most a second."""
        deadline_s = monotonic() + 1.0
        while self._lines.unfinished_tasks and monotonic() < deadline_s:
            sleep(0.005)

    def _write(self) -> None:
        while True:
            lines = [self._lines.get()]
            with suppress(Empty):
                while len(lines) < LINES_AT_ONCE:
                    lines.append(self._lines.get_nowait())
            if PatientHandler.dropped > self._told:
                PatientHandler._told = PatientHandler.dropped
                lines.append(f"{PatientHandler.dropped} lines were given up so far: nobody took them.")
            # Whoever read them is gone; the service goes on.
            with suppress(OSError, ValueError):
                sys.stderr.write("\n".join(lines) + "\n")
                sys.stderr.flush()
            for _ in range(len(lines)):
                with suppress(ValueError):
                    self._lines.task_done()


class NotMeantToEnd(logging.Filter):
    """Passes over what the server says of an answer without an end: a stream that is broken off is meant to have none.

    Whoever breaks one off says why in a line of their own.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged."""
        return record.msg != "ASGI callable returned without completing response."


def logging_config(form: LogFormat, *, level: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes; lines go to standard error."""
    formatter = "app.log_lines.JsonLines" if form == "json" else "app.log_lines.TextLines"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {"meant": {"()": "app.log_lines.NotMeantToEnd"}},
        "handlers": {"stderr": {"class": "app.log_lines.PatientHandler", "formatter": "line", "filters": ["meant"]}},
        "loggers": {
            "joint_risk": {"handlers": ["stderr"], "level": level.upper()},
            # Its access lines would repeat query strings; ours name a route.
            "uvicorn": {"handlers": ["stderr"], "level": "WARNING"},
        },
    }
