"""Whatever bytes arrive, they are a document or a list of faults; nothing else ever comes out of reading them."""

import copy
import json
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import InvalidRuleSetError
from app.rule_sets.documents import (
    canonical_bytes,
    check_document,
    digest_of,
    load_document,
    parse_canonical,
    published_document,
    read_document,
)
from app.scoring.compiled import compile_rule_set
from app.scoring.rule_set import RuleSetDocument
from tests.small_rule_set import SMALL_RULE_SET

YAML: Final = "application/yaml"
JSON: Final = "application/json"
media_types = st.sampled_from([YAML, JSON])

# Pieces that mean something to a parser, so that garbage gets past its first character.
PIECES: Final = (
    *"{}[],:?-#&*!|>'\"%@`~<=\\\t ",
    *(
        "\n",
        "\n  ",
        "\r\n",
        ": ",
        "- ",
        "? ",
        "---\n",
        "...\n",
        "&a ",
        "*a ",
        "!!str ",
        "%YAML 1.1\n",
        "<<: ",
        "|2-\n",
        ">+\n",
    ),
    *(
        "a",
        "b",
        "a: ",
        '"a": ',
        "true",
        "null",
        "0x1F",
        "0o7",
        "1e999",
        "-0.0",
        ".nan",
        "NaN",
        "-Infinity",
        "1_0",
        "9" * 30,
    ),
    *("\\u0000", "\\ud800", "\\x", "\x00", "\x7f", "\x85", "\u2028", "\ufeff", "\uffff", "é", "😀"),
)
garbage = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map(lambda pieces: "".join(pieces).encode()),
    st.text(max_size=100).map(lambda text: text.encode(errors="surrogatepass")),
)


@st.composite
def spoiled_rule_sets(draw: st.DrawFn) -> bytes:
    """A rule set of which a few pieces were lost, repeated or overwritten."""
    text = SMALL_RULE_SET
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 1, 1, 2, 10, 100))))
        replacement = draw(st.one_of(st.sampled_from(PIECES), st.just(""), st.just(text[start:end] * 2)))
        text = text[:start] + replacement + text[end:]
    raw = text.encode()
    at = draw(st.integers(0, len(raw)))
    return raw[:at] + draw(st.one_of(st.just(b""), st.binary(max_size=2))) + raw[at:]


texts = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"), max_size=20
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-(2**53) + 1, 2**53 - 1),
    texts,
    st.sampled_from(["yes", "1", "1.0", "null", "~", "- a", "# a", "a: b", "\n\t", "\\", '"', "'", "2026-11-23"]),
)
contents: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
documents = st.dictionaries(texts, contents, max_size=5)


def assert_told(refused: InvalidRuleSetError) -> None:
    """Every fault has a place that can be written as a JSON Pointer, a code and a sentence."""
    assert refused.faults
    for fault in refused.faults:
        assert not fault.pointer or fault.pointer.startswith("/")
        assert fault.code.replace("-", "").isalnum()
        assert fault.detail.endswith(".")
        json.dumps([fault.pointer, fault.detail], ensure_ascii=False).encode()


@given(raw=garbage, media_type=media_types)
@example(raw=b'"\\ud800": 1', media_type=YAML)
@example(raw=b'{"a": "\\ud800\\udc00"}', media_type=JSON)
def test_any_bytes_are_a_document_or_faults(raw: bytes, media_type: str) -> None:
    try:
        document = read_document(raw, media_type=media_type)
    except InvalidRuleSetError as refused:
        assert_told(refused)
    else:
        assert parse_canonical(canonical_bytes(document)) == document


@given(raw=spoiled_rule_sets())
def test_a_spoiled_rule_set_is_still_one_or_its_faults_are_told(raw: bytes) -> None:
    try:
        loaded = load_document(raw, media_type=YAML)
    except InvalidRuleSetError as refused:
        assert_told(refused)
    else:
        compile_rule_set(loaded, version="2026.1", digest="sha256:0")


def holds(document: Any, pointer: str) -> bool:
    """Whether a pointer names something in a document, or a member that one of its maps lacks."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for number, step in enumerate(steps):
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return isinstance(document, dict) and number == len(steps) - 1
    return True


NAMES: Final = ("above", "all", "bands", "effects", "feature", "in", "is", "joint", "power", "when")
SMALL: Final = read_document(SMALL_RULE_SET.encode(), media_type=YAML)


def nodes(content: Any) -> list[Any]:
    """Every map and list of a document, from the whole to the last."""
    inside = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [content, *(node for part in inside for node in nodes(part))] if isinstance(content, dict | list) else []


@st.composite
def altered_rule_sets(draw: st.DrawFn) -> dict[str, Any]:
    """A rule set with one or two values added, or replaced by anything or by a part from elsewhere in it."""
    document = copy.deepcopy(SMALL)
    for _ in range(draw(st.integers(1, 2))):
        node = draw(st.sampled_from([node for node in nodes(document) if node]))
        place = draw(st.sampled_from([*node, *NAMES] if isinstance(node, dict) else range(len(node))))
        node[place] = draw(st.one_of(contents, st.sampled_from(nodes(SMALL)).map(copy.deepcopy)))
    return document


@given(document=altered_rule_sets())
def test_a_fault_of_the_model_names_a_place_of_the_document(document: dict[str, Any]) -> None:
    faults = check_document(document)
    assert [fault for fault in faults if not holds(document, fault.pointer)] == []
    if not faults:
        compile_rule_set(RuleSetDocument.model_validate(document), version="2026.1", digest="sha256:0")


@given(document=documents)
def test_what_is_written_in_canonical_form_is_read_back_the_same_as_json_and_as_yaml(document: dict[str, Any]) -> None:
    canonical = canonical_bytes(document)
    for media_type in (JSON, YAML):
        again = read_document(canonical, media_type=media_type)
        assert again == document
        assert canonical_bytes(again) == canonical


@pytest.mark.parametrize("indent", [None, 2])
def test_the_rule_set_that_ships_has_one_digest_however_it_is_laid_out(indent: int | None) -> None:
    document = published_document("2026.1")
    laid_out = json.dumps(document, indent=indent, ensure_ascii=indent is None).encode()
    digests = {
        digest_of(canonical_bytes(read_document(laid_out, media_type=media_type))) for media_type in (JSON, YAML)
    }
    assert digests == {digest_of(canonical_bytes(document))}
