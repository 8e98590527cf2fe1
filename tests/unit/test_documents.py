"""A rule-set document is read one way or not at all, and has one canonical form."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Fault, InvalidRuleSetError, UnknownRuleSetError
from app.rule_sets.documents import (
    canonical_bytes,
    check_document,
    digest_of,
    parse_canonical,
    published_document,
    read_document,
)

YAML = "application/yaml"
JSON = "application/json"
MEGABYTE = 1_048_576


def read(text: str, media_type: str = YAML) -> dict[str, Any]:
    return read_document(text.encode(), media_type=media_type)


def faults_of(act: Callable[[], object]) -> list[Fault]:
    with pytest.raises(InvalidRuleSetError) as refused:
        act()
    assert refused.value.faults
    return refused.value.faults


def places(faults: list[Fault]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in faults]


# What YAML means


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("2026-11-23", "2026-11-23"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0b11", "0b11"),
        ("5k", "5k"),
        ("<", "<"),
        ("=", "="),
        ('"> 1.10"', "> 1.10"),
        ('"1"', "1"),
        ("'true'", "true"),
        ('""', ""),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1.", 1),
        ("2.50", 2.5),
        ("1e3", 1000),
        ("1.5E-2", 0.015),
        ("-0.0", 0),
        ("9007199254740991", 2**53 - 1),
        ("{a: [1, b]}", {"a": [1, "b"]}),
    ],
)
def test_an_unquoted_scalar_means_what_yaml_1_2_says(written: str, meant: object) -> None:
    found = read(f"it: {written}")["it"]
    assert found == meant
    assert type(found) is type(meant)


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert read_document(b"\xef\xbb\xbfit: 1", media_type=YAML) == {"it": 1}
    assert read_document(b'\xef\xbb\xbf{"it": 1}', media_type=JSON) == {"it": 1}


def test_a_media_type_may_have_parameters() -> None:
    assert read('{"it": 1}', "Application/JSON; charset=utf-8") == {"it": 1}


def test_a_merge_key_is_a_name_like_any_other() -> None:
    assert read("<<: {a: 1}") == {"<<": {"a": 1}}


# What is refused


@pytest.mark.parametrize(
    ("text", "pointer", "code", "place"),
    [
        ("a: &it 1", "/a", "yaml-anchor", "Line 1, column 4: "),
        ("a: [1, &it {b: 2}]", "/a/1", "yaml-anchor", "Line 1, column 8: "),
        ("a: *it", "/a", "yaml-alias", "Line 1, column 4: "),
        ("*it", "", "yaml-alias", "Line 1, column 1: "),
        ("a: !!str 1", "/a", "yaml-tag", "Line 1, column 4: "),
        ("a: ! 1", "/a", "yaml-tag", "Line 1, column 4: "),
        ("a: !!python/object/apply:os.getcwd []", "/a", "yaml-tag", "Line 1, column 4: "),
        ("a: 1\nb:\n  c: 1\n  c: 2", "/b/c", "duplicate-key", "Line 4, column 3: "),
        ("a: 1\n'a': 2", "/a", "duplicate-key", "Line 2, column 1: "),
        ("1: a", "/1", "key-not-text", "Line 1, column 1: "),
        ("true: a", "/true", "key-not-text", "Line 1, column 1: "),
        ("0x1: a", "/0x1", "key-not-text", "Line 1, column 1: "),
        ("a:\n  ?\n  : 1", "/a/", "key-not-text", "Line 2, column 4: "),
        ("? [a, b]\n: 1", "", "key-not-text", "Line 1, column 3: "),
        ("a: 0o17", "/a", "number-not-decimal", "Line 1, column 4: "),
        ("a: 0x1F", "/a", "number-not-decimal", "Line 1, column 4: "),
        ("a: .inf", "/a", "number-out-of-range", "Line 1, column 4: "),
        ("a: -.INF", "/a", "number-out-of-range", "Line 1, column 4: "),
        ("a: .nan", "/a", "number-out-of-range", "Line 1, column 4: "),
        ("a: 1e999", "/a", "number-out-of-range", "Line 1, column 4: "),
        ("a: 9007199254740992", "/a", "number-out-of-range", "Line 1, column 4: "),
        ("a: 0.12345678901234567", "/a", "number-too-precise", "Line 1, column 4: "),
        ("a: 1e-400", "/a", "number-too-precise", "Line 1, column 4: "),
        (f"a: {'9' * 5000}", "/a", "number-too-precise", "Line 1, column 4: "),
        ("a/b: {~c: &it 1}", "/a~1b/~0c", "yaml-anchor", "Line 1, column 11: "),
        ('a: "\\0"', "/a", "text-not-printable", "Line 1, column 1: "),
        ('a: "\\e[31m"', "/a", "text-not-printable", "Line 1, column 1: "),
        ("a: b\ufeffc", "/a", "text-not-printable", "Line 1, column 1: "),
        ('a: "\\u2028"', "/a", "text-not-printable", "Line 1, column 1: "),
        ('"\\x7f": 1', "/\x7f", "key-not-text", "Line 1, column 1: "),
        (f"{'k' * 129}: 1", f"/{'k' * 128}", "key-too-long", "Line 1, column 1: "),
        ("%YAML 1.1\n---\na: 1", "", "yaml-directive", "Line 1, column 1: "),
        ("%TAG ! tag:example.org,2020:\n---\na: 1", "", "yaml-directive", "Line 1, column 1: "),
        ("a: 1\n---\nb: 2", "", "more-than-one-document", "Line 2, column 1: "),
        ("- a", "", "document-not-a-map", ""),
        ("# nothing", "", "document-not-a-map", ""),
        ("", "", "document-not-a-map", ""),
        ("a: [1\nb: 2", "/a", "yaml-syntax", "Line 2, column 2: "),
        ("a:\n\t- b", "", "yaml-syntax", "Line 2, column 1: "),
        ("a: > 1.10", "", "yaml-syntax", "Line 1, column 6: "),
        ("a: 1\nb: 'c\u2028d'", "", "yaml-syntax", "Line 2: "),
        ("a: c\x85d", "", "yaml-syntax", "Line 1: "),
        ("a: 1\nb: \x07", "", "yaml-syntax", "Line 2: "),
        ('a: "\\ud800"', "", "yaml-syntax", "Line 1, column 7: "),
    ],
)
def test_yaml_that_can_be_misread_is_refused_with_its_place(text: str, pointer: str, code: str, place: str) -> None:
    faults = faults_of(lambda: read(text))
    assert places(faults) == [(pointer, code)]
    assert faults[0].detail.startswith(place)


def test_a_name_that_stands_twice_is_told_with_both_lines() -> None:
    (fault,) = faults_of(lambda: read("a: 1\nb: 2\na: 3"))
    assert fault.detail == "Line 3, column 1: This member stands here twice, first on line 1."


@pytest.mark.parametrize(
    ("text", "pointer", "code"),
    [
        ('{"a": {"b": 1, "b": 2}}', "/a/b", "duplicate-key"),
        ('{"a": [0, NaN]}', "/a/1", "number-out-of-range"),
        ('{"a": Infinity}', "/a", "number-out-of-range"),
        ('{"a": -Infinity}', "/a", "number-out-of-range"),
        ('{"a": 1e999}', "/a", "number-out-of-range"),
        ('{"a": 1e-400}', "/a", "number-too-precise"),
        (f'{{"a": {"9" * 5000}}}', "/a", "number-too-precise"),
        ('{"a": "\\ud800"}', "/a", "text-not-printable"),
        ('{"\\ud800": 1}', "/?", "key-not-text"),
        ('{"a": "\\u0000"}', "/a", "text-not-printable"),
        ("[]", "", "document-not-a-map"),
        ("null", "", "document-not-a-map"),
        ('{"a": 1,}', "", "json-syntax"),
        ("{'a': 1}", "", "json-syntax"),
        ('{"a": 1} {"b": 2}', "", "json-syntax"),
        ("", "", "json-syntax"),
    ],
)
def test_json_that_can_be_misread_is_refused_with_its_place(text: str, pointer: str, code: str) -> None:
    assert places(faults_of(lambda: read(text, JSON))) == [(pointer, code)]


def test_a_json_syntax_fault_names_line_and_column() -> None:
    (fault,) = faults_of(lambda: read('{"a": 1,\n "b" 2}', JSON))
    assert fault.detail.startswith("Line 2, column 6: ")


@pytest.mark.parametrize("media_type", [YAML, JSON])
@pytest.mark.parametrize("raw", [b"\xff\xfe{\x00}\x00", b'{"a": 1}\n\xe4', b'{"\xed\xa0\x80": 1}'])
def test_what_is_not_utf_8_is_refused(raw: bytes, media_type: str) -> None:
    assert places(faults_of(lambda: read_document(raw, media_type=media_type))) == [("", "not-utf-8")]


def test_the_line_of_a_byte_that_is_not_utf_8_is_told() -> None:
    (fault,) = faults_of(lambda: read_document(b"\xef\xbb\xbfa: 1\nb: \xe4", media_type=YAML))
    assert fault.detail.startswith("Line 2: ")


def test_a_media_type_without_a_reader_is_refused() -> None:
    assert places(faults_of(lambda: read("a: 1", "text/plain"))) == [("", "media-type-unknown")]


@pytest.mark.parametrize("media_type", [YAML, JSON])
def test_a_document_of_a_megabyte_is_read_and_one_byte_more_is_refused(media_type: str) -> None:
    text = '{"a": ""}'
    full = text.replace('""', f'"{"x" * (MEGABYTE - len(text))}"')
    assert len(read(full, media_type)["a"]) == MEGABYTE - len(text)
    assert places(faults_of(lambda: read(f"{full} ", media_type))) == [("", "too-large")]


@pytest.mark.parametrize("media_type", [YAML, JSON])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}")])
def test_nesting_is_read_down_to_32_levels(media_type: str, opening: str, closing: str) -> None:
    def nested(levels: int) -> str:
        return '{"a": ' + opening * (levels - 1) + "1" + closing * (levels - 1) + "}"

    assert read(nested(32), media_type)
    assert [fault.code for fault in faults_of(lambda: read(nested(33), media_type))] == ["too-deep"]


@pytest.mark.parametrize("media_type", [YAML, JSON])
@pytest.mark.parametrize("opening", ["[", '{"a":', "- ", "? ", "{? "])
def test_a_megabyte_of_nesting_is_refused_like_any_other_fault(media_type: str, opening: str) -> None:
    text = opening * (MEGABYTE // len(opening))
    codes = [fault.code for fault in faults_of(lambda: read(text, media_type))]
    assert codes[-1] == ("too-deep" if media_type == YAML or opening in {"[", '{"a":', "{? "} else "json-syntax")


def test_brackets_inside_json_texts_are_no_nesting() -> None:
    assert read(json.dumps({"a": '"[{\\' * 40}), JSON) == {"a": '"[{\\' * 40}


@pytest.mark.parametrize("media_type", [YAML, JSON])
def test_more_values_than_any_rule_set_holds_are_refused(media_type: str) -> None:
    assert len(read(f'{{"a": [{",".join("0" * 49_998)}]}}', media_type)["a"]) == 49_998
    too_many = f'{{"a": [{",".join("0" * 49_999)}]}}'
    assert [fault.code for fault in faults_of(lambda: read(too_many, media_type))] == ["too-many-values"]


@pytest.mark.parametrize(("media_type", "part"), [(YAML, "*a"), (JSON, "NaN")])
def test_a_list_of_faults_ends_where_it_helps_nobody(media_type: str, part: str) -> None:
    assert len(faults_of(lambda: read(f'{{"a": [{",".join([part] * 20_000)}]}}', media_type))) == 1_000


def test_every_fault_of_a_document_is_told_at_once() -> None:
    text = "a: &x 1\nb: *x\nc: !!str 3\n1: x\nd: {e: .nan, e: 2}\nf: 0x1\n"
    assert places(faults_of(lambda: read(text))) == [
        ("/a", "yaml-anchor"),
        ("/b", "yaml-alias"),
        ("/c", "yaml-tag"),
        ("/1", "key-not-text"),
        ("/d/e", "number-out-of-range"),
        ("/d/e", "duplicate-key"),
        ("/f", "number-not-decimal"),
    ]
    text = '{"a": 1, "a": NaN, "b": [1e999, {"c": "\\u0007", "c": 0}]}'
    assert places(faults_of(lambda: read(text, JSON))) == [
        ("/a", "duplicate-key"),
        ("/a", "number-out-of-range"),
        ("/b/0", "number-out-of-range"),
        ("/b/1/c", "duplicate-key"),
        ("/b/1/c", "text-not-printable"),
    ]


def test_what_was_found_before_a_syntax_fault_is_told_with_it() -> None:
    assert places(faults_of(lambda: read("a: &x 1\nb: [\n"))) == [("/a", "yaml-anchor"), ("/b", "yaml-syntax")]


# The canonical form


def test_yaml_and_its_canonical_form_are_the_same_document_with_the_same_digest() -> None:
    document = published_document("2026.1")
    canonical = canonical_bytes(document)
    again = parse_canonical(canonical)
    assert again == document
    assert json.dumps(again, sort_keys=True) == json.dumps(document, sort_keys=True), "types included: 1 is not 1.0"
    assert digest_of(canonical_bytes(again)) == digest_of(canonical)


def test_spelling_order_and_comments_do_not_change_a_digest() -> None:
    one = read("b: 1.10 # eleven tenths\na: {d: [1.0, -0.0], c: x}")
    other = read('{"a": {"c": "\\u0078", "d": [1, 0]}, "b": 11e-1}', JSON)
    assert canonical_bytes(one) == canonical_bytes(other) == b'{"a":{"c":"x","d":[1,0]},"b":1.1}'


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, b"0"),
        (-0.0, b"0"),
        (4.50, b"4.5"),
        (2e-3, b"0.002"),
        (1e-6, b"0.000001"),
        (1e-7, b"1e-7"),
        (1e-27, b"1e-27"),
        (333333333.33333329, b"333333333.3333333"),
        (9007199254740991.0, b"9007199254740991"),
        (-9007199254740991, b"-9007199254740991"),
        (5e-324, b"5e-324"),
    ],
)
def test_numbers_are_written_as_rfc_8785_has_it_and_read_back_alike(number: float, written: bytes) -> None:
    assert canonical_bytes({"a": number}) == b'{"a":%s}' % written
    assert parse_canonical(b'{"a":%s}' % written) == {"a": number}


def test_members_are_sorted_by_utf_16_and_written_as_they_are() -> None:
    assert canonical_bytes({"\U0001f600": 1, "ﬀ": 2, "é": "\n"}) == '{"é":"\\n","😀":1,"ﬀ":2}'.encode()


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        ({"a": [float("nan")]}, "/a/0", "number-out-of-range"),
        ({"a": float("-inf")}, "/a", "number-out-of-range"),
        ({"a": 2**53}, "/a", "number-out-of-range"),
        ({"a": -(2**53)}, "/a", "number-out-of-range"),
        ({"a": 1e16}, "/a", "number-out-of-range"),
        ({"a": "\ud800"}, "/a", "text-not-printable"),
        ({"a": "\u2029"}, "/a", "text-not-printable"),
        ({"\ud800": 1}, "/?", "key-not-text"),
        ({1: 2}, "/1", "key-not-text"),
        ({"a": {1, 2}}, "/a", "not-json"),
        ({"a": "x" * MEGABYTE}, "", "too-large"),
    ],
)
def test_what_json_cannot_carry_exactly_has_no_canonical_form(document: Any, pointer: str, code: str) -> None:
    assert places(faults_of(lambda: canonical_bytes(document))) == [(pointer, code)]


def test_a_document_that_holds_itself_has_no_canonical_form() -> None:
    document: dict[str, Any] = {}
    document["a"] = document
    assert [fault.code for fault in faults_of(lambda: canonical_bytes(document))] == ["too-deep"]


def test_a_digest_is_the_sha_256_of_the_canonical_bytes() -> None:
    # Of `{}`, from coreutils: printf '{}' | sha256sum
    expected = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert digest_of(canonical_bytes({})) == expected


@pytest.mark.parametrize(
    "raw",
    [b'{ "a":1}', b'{"b":1,"a":2}', b'{"a":1.0}', b'{"a":1e0}', b'{"a":"\\u0078"}', b'\xef\xbb\xbf{"a":1}', b"[]", b""],
)
def test_only_canonical_bytes_are_read_as_such(raw: bytes) -> None:
    assert faults_of(lambda: parse_canonical(raw))


# The documents that ship


def test_the_rule_set_that_ships_is_a_sound_document() -> None:
    assert check_document(published_document("2026.1")) == []


@pytest.mark.parametrize(
    "version", ["2031.7", "2026.01", "../2026.1", "2026.1/../2026.1", "2026.1\x00", "", "latest", f"2026.{'9' * 400}"]
)
def test_a_version_that_does_not_ship_is_unknown(version: str) -> None:
    with pytest.raises(UnknownRuleSetError):
        published_document(version)
