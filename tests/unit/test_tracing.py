"""A trace is joined by `traceparent` as the W3C writes it, and by nothing else."""

import pytest

from app.tracing import read_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("03", True)])
def test_a_traceparent_names_trace_span_and_choice(flags: str, sampled: bool) -> None:
    assert read_traceparent(f"00-{TRACE}-{SPAN}-{flags}".encode()) == (TRACE, SPAN, sampled)


def test_a_later_version_may_have_more_to_say() -> None:
    assert read_traceparent(f"cc-{TRACE}-{SPAN}-01-later".encode()) == (TRACE, SPAN, True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-zz",
    ],
)
def test_what_is_no_traceparent_names_nothing(header: str) -> None:
    assert read_traceparent(header.encode()) is None
