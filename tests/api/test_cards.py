"""`/v1/rule-sets/{version}/card`, for programs and for people."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

from app.api.card_answers import Card
from app.rule_sets.documents import published_document
from tests.api.service import Author, Outage, Service, ensure_problem


def test_a_card_comes_as_json_and_as_a_page_under_a_strict_policy(shared_service: Service) -> None:
    answer = shared_service.get("/v1/rule-sets/2026.1/card")
    page = shared_service.get(
        "/v1/rule-sets/2026.1/card", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    )

    assert Card.model_validate_json(answer.content).model_dump(mode="json", by_alias=True) == answer.json()
    assert answer.json()["checks"]["ok"]
    assert answer.json()["difference"] is None
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Joint-Rule-Set"].startswith("2026.1;sha256:")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    hashed = b64encode(sha256(style.encode()).digest()).decode()
    assert page.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "Rule set 2026.1" in page.text
    for told in (answer, page):
        again = shared_service.get(
            "/v1/rule-sets/2026.1/card",
            headers={"Accept": told.headers["Content-Type"].partition(";")[0], "If-None-Match": told.headers["ETag"]},
        )
        assert again.status_code == 304


def test_a_version_is_told_apart_from_the_one_below_it(service: Service, author: Author, outage: Outage) -> None:
    document: Any = published_document("2026.1")
    document["levels"]["cuts"][2]["from"] = 58
    document["examples"] = []
    author.publish("2026.3", document=document)

    told = service.get("/v1/rule-sets/2026.3/card").json()
    assert told["difference"]["from"] == "2026.1"
    # A version that comes between is the one below from then on.
    document["levels"]["cuts"][2]["from"] = 59
    author.publish("2026.2", document=document)
    told = service.get("/v1/rule-sets/2026.3/card").json()
    assert told["difference"]["from"] == "2026.2"

    ensure_problem(service.get("/v1/rule-sets/2031.7/card"), 404, "unknown-rule-set")
    accept = {"Accept": "application/yaml"}
    ensure_problem(service.get("/v1/rule-sets/2026.1/card", headers=accept), 406, "not-acceptable")
    outage.begin()
    ensure_problem(service.get("/v1/rule-sets/2026.3/card"), 503, "store-away")
    outage.end()
