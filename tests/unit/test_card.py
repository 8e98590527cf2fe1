"""The card of a rule set: whom it speaks of, what it rests on, what is different; as data and as a page."""

import json
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from app.api.card_answers import Card
from app.rule_sets.card import describe_card, write_card
from app.rule_sets.card_page import POLICY, write_page
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.rule_sets.job_rules import Rules
from app.runners import JOINTS
from tests.unit.requests import Json, part, published, rules

ABOUT = {"published_at": "2026-11-26T10:00:00Z", "published_by": "ann", "reason": 'For <script>alert("sleep")</script>'}


def sleepier(written: Json) -> None:
    part(written, "factors", "sleep_short")["bands"][0]["ratio"] = 1.9
    part(written, "factors", "sleep_short")["limits"] = "Not <b>bold</b> & never “proven”."


@cache
def card() -> Json:
    return describe_card(rules(sleepier), about=ABOUT, predecessors=[published()])


@cache
def first_card() -> Json:
    """Of 2026.1, with no version below it; checked once for the file."""
    return describe_card(published(), about=ABOUT, predecessors=[])


@cache
def page() -> str:
    return write_page(card()).decode()


class Tags(HTMLParser):
    """Every tag that opens, with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, dict(attrs)))


def opened() -> list[tuple[str, dict[str, str | None]]]:
    tags = Tags()
    tags.feed(page())
    return tags.opened


def test_the_levels_on_the_card_are_those_of_the_changelog() -> None:
    levels = first_card()["population"]["levels"]

    assert levels["knee"] == pytest.approx({"low": 0.195, "typical": 0.612, "raised": 0.176, "high": 0.017}, abs=0.0006)
    assert levels["lower_back"] == pytest.approx(
        {"low": 0.376, "typical": 0.341, "raised": 0.262, "high": 0.021}, abs=0.0006
    )


def test_every_factor_stands_under_its_grade_the_best_first() -> None:
    for joint in JOINTS:
        by_grade = card()["evidence"][joint]
        assert list(by_grade) == [grade for grade in ("moderate", "low", "very_low", "none") if grade in by_grade]
        listed = [each["factor"] for each in (factor for factors in by_grade.values() for factor in factors)]
        assert sorted(listed) == sorted(pair.factor.id for pair in published().joints[joint].pairs)
    (spike,) = (each for each in card()["evidence"]["knee"]["moderate"] if each["factor"] == "session_spike")
    assert spike["points"] == {"lowest": 0, "highest": 22.29}


def test_the_card_says_what_is_different_and_that_nothing_is_below_the_first() -> None:
    assert card()["difference"]["from"] == "2026.1"
    assert [each["id"] for each in card()["difference"]["changes"]["factors"]["changed"]] == ["sleep_short"]
    assert "become 11.6" in page()
    first = first_card()
    assert first["difference"] is None
    assert "There is no version before this one." in write_page(first).decode()


def test_the_checks_of_this_release_stand_on_the_card() -> None:
    assert first_card()["checks"] == {"ok": True, "findings": []}

    def broken(written: Json) -> None:
        part(written, "factors", "sleep_short")["joints"]["knee"]["weight"] = 0.75

    told = describe_card(rules(broken), about=ABOUT, predecessors=[])
    assert not told["checks"]["ok"]
    assert any(
        "sleep_short" in found["message"] or "/factors/" in found["path"] for found in told["checks"]["findings"]
    )
    assert "Promises are broken." in write_page(told).decode()


def test_the_card_is_what_the_openapi_document_says() -> None:
    assert Card.model_validate(card()).model_dump(mode="json", by_alias=True) == card()


def test_a_predecessor_that_this_release_cannot_load_is_passed_over() -> None:
    document = published_document("2026.1")
    canonical = canonical_bytes(document)
    unreadable = Rules("2025.9", "sha256:" + "0" * 64, b"{}")
    shipped = Rules("2026.1", digest_of(canonical), canonical)

    told: Any = json.loads(write_card(shipped, ABOUT, [unreadable]))

    assert told["difference"] is None


def test_the_page_escapes_every_text_and_runs_nothing() -> None:
    assert "<script" not in page()
    assert "&lt;script&gt;alert(&quot;sleep&quot;)" in page()
    assert "Not &lt;b&gt;bold&lt;/b&gt; &amp; never" in page()
    assert {tag for tag, _ in opened()} & {"script", "link", "img", "iframe", "form", "base", "object"} == set()
    for _, attributes in opened():
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    style = re.search(r"<style>(.*?)</style>", page(), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "script-src" not in POLICY
    assert POLICY.startswith("default-src 'none'; style-src 'sha256-")


def test_the_page_can_be_read_without_seeing_it() -> None:
    tags = opened()
    assert tags[0] == ("html", {"lang": "en"})
    assert [tag for tag, _ in tags].count("h1") == 1
    assert [tag for tag, _ in tags].count("main") == 1
    ids = [attributes["id"] for _, attributes in tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    linked = {attributes["href"] for tag, attributes in tags if tag == "a"}
    assert linked <= {f"#{id}" for id in ids}
    assert [tag for tag, _ in tags].count("table") == [tag for tag, _ in tags].count("caption") > 3
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")
