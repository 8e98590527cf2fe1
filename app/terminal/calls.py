"""Calls to a service that runs already, here or elsewhere, and what its refusals say.

What is slow to import is imported where it is used: a health check runs every few seconds for as long as a container
lives.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from app.errors import Fault

SERVICE_AWAY: Final = "service-away"
UNEXPECTED_ANSWER: Final = "unexpected-answer"
SCORE_TIMEOUT_S: Final = 10.0
HEALTH_TIMEOUT_S: Final = 2.0
_PROBLEM_TYPE: Final = "urn:joint-risk:problem:"
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Refusal(NamedTuple):
    """Why there is no answer; `slug` is a problem's, or one of the two above."""

    slug: str
    message: str
    faults: tuple[Fault, ...] = ()


def is_web_address(url: str) -> bool:
    """Whether a call can be made to this address.

    >>> [is_web_address(url) for url in ("http://127.0.0.1:8000", "https://risk.example/jr/", "localhost:8000", "http://")]
    [True, True, False, False]
    """
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def local_url(host: str, port: int) -> str:
    """The address by which this machine reaches a service that listens there.

    >>> local_url("0.0.0.0", 8000), local_url("::", 80), local_url("::1", 80), local_url("risk.example", 80)
    ('http://127.0.0.1:8000', 'http://[::1]:80', 'http://[::1]:80', 'http://risk.example:80')
    """
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a name to translate, not to bind
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def ask_for_score(url: str, *, body: bytes, query: Mapping[str, str], key: str | None = None) -> bytes | Refusal:
    """The answer of `POST /v1/scores`, byte for byte, or why there is none.

    Args:
        url: where the service is, without the path of the call.
        body: the request as it was read.
        query: parameters of the call.
        key: of a service that asks for one.
    """
    import httpx

    # A proxy cannot reach this machine by the name that this machine has for itself.
    through_proxies = urlsplit(url).hostname not in _LOOPBACK
    authorization = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        answer = httpx.post(
            f"{url.rstrip('/')}/v1/scores",
            content=body,
            params=dict(query),
            headers={"Content-Type": "application/json", "Accept": "application/json", **authorization},
            timeout=SCORE_TIMEOUT_S,
            trust_env=through_proxies,
        )
    except httpx.HTTPError as failure:
        return Refusal(SERVICE_AWAY, f"The service at {url} does not answer ({type(failure).__name__}).")
    if answer.status_code == 200 and _is_an_assessment(answer.content):
        return answer.content
    return _read_problem(answer.content) or Refusal(
        UNEXPECTED_ANSWER, f"What answers at {url} is not this service: status {answer.status_code}, and no score."
    )


def _is_an_assessment(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and {"as_of", "joints", "referral", "rule_set"} <= answer.keys()


def _read_problem(body: bytes) -> Refusal | None:
    """The refusal that problem details state; None where the body holds none of ours."""
    try:
        problem = json.loads(body)
        slug = problem["type"].removeprefix(_PROBLEM_TYPE)
        faults = tuple(Fault(told["pointer"], told["code"], told["detail"]) for told in problem["errors"])
        return Refusal(slug, problem["detail"], faults) if slug != problem["type"] else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def ask_for_health(url: str) -> tuple[bool, str]:
    """Whether a service may be sent calls, and in a few words how it stands.

    By the standard library alone, to be quick.
    """
    parts = urlsplit(url)
    connection_class = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with closing(connection_class(parts.hostname or "", parts.port, timeout=HEALTH_TIMEOUT_S)) as connection:
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/readyz", headers={"Accept": "application/json"})
            answer = connection.getresponse()
            state = json.loads(answer.read())
            told = f"{state['status']} (store: {state['store']})"
        except (OSError, HTTPException):
            return False, f"no answer from {url}"
        except (ValueError, KeyError, TypeError):
            return False, f"what answers at {url} is not this service"
    return answer.status == 200, told
