"""Lines that are scored together say, byte for byte, what each says when it is scored alone; or are left for that."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from random import Random
from typing import Any, Final, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.batch_columns import score_lines
from app.api.batch_rows import RowScorer
from app.runners import Finding, line_columns
from app.runners.line_columns import LINES_LEFT_OUT_TOGETHER
from app.scoring import written_columns
from app.scoring.compiled import CompiledRuleSet
from app.telemetry import Telemetry
from tests.generative.many_runners import changed_documents, runners_of
from tests.generative.strategies import Request, documents, requests_for
from tests.oracle.service import TODAY, MinEvidence, compile_document, shipped_rules

# `make equality` runs 100,000 and more; a seeded share runs with every test.
RUNNERS = int(os.environ.get("EQUALITY_RUNNERS", "3000"))
CHUNK = 250
SCORED_TOGETHER_LEAST: Final = 0.25
"""Of these runners, many of whom are odd on purpose; were none scored together, nothing would be compared."""
NOTE: Final = Finding(severity="info", code="noted", pointer="", message="Noted.")


class Counts(Telemetry):
    """Numbers that can be looked at."""

    def told(self) -> list[str]:
        return sorted(line for line in self.write().decode().splitlines() if "_total{" in line)


def scorer_of(rules: CompiledRuleSet, *, as_of: date | None = None, notes: tuple[Finding, ...] = ()) -> RowScorer:
    return RowScorer(
        {}, rules, detail="scores", language="en", today=TODAY, telemetry=Counts(), as_of=as_of, notes=notes
    )


def line_of(request: object, *, id: object = "a", **beside: object) -> bytes:
    return json.dumps({"id": id, "request": request, **beside}, ensure_ascii=False).encode()


def disagreements(scorer: RowScorer, lines: Sequence[bytes]) -> list[tuple[bytes, bytes, bytes]]:
    """Lines whose result together is not their result alone."""
    return [
        (line, told, alone)
        for line, told in zip(lines, score_lines(scorer, lines), strict=True)
        if told is not None and told != (alone := scorer.answer(line))
    ]


def scored_together(scorer: RowScorer, lines: Sequence[bytes]) -> list[int]:
    return [place for place, told in enumerate(score_lines(scorer, lines)) if told is not None]


def lines_of(chance: Random, count: int) -> list[bytes]:
    """Rows of any runners, now and then with a day beside them or an id that is unusual."""

    def line(number: int, request: Request) -> bytes:
        beside = {"as_of": str(TODAY)} if chance.random() < 0.2 else {}
        return line_of(request, id="é" if chance.random() < 0.05 else f"row {number}", **beside)

    return [line(number, request) for number, request in enumerate(runners_of(chance, count))]


@pytest.mark.parametrize("least", [None, "low", "moderate"])
def test_lines_agree_under_the_shipped_rules(least: MinEvidence) -> None:
    scorer = scorer_of(shipped_rules(least), notes=(NOTE,))
    together = 0
    chunks = max(1, round(RUNNERS * (0.5 if least is None else 0.1) / CHUNK))
    for seed in range(chunks):
        lines = lines_of(Random(f"{seed}/{least}"), CHUNK)

        assert disagreements(scorer, lines)[:2] == []
        together += len(scored_together(scorer, lines))

    assert together >= SCORED_TOGETHER_LEAST * chunks * CHUNK


def test_lines_agree_under_changed_rules() -> None:
    chance = Random(17)
    for document in islice(changed_documents(chance), max(1, round(RUNNERS * 0.3 / CHUNK))):
        scorer = scorer_of(compile_document(document), as_of=chance.choice([None, TODAY]))

        assert disagreements(scorer, lines_of(chance, CHUNK))[:2] == []


@settings(max_examples=max(10, RUNNERS // 200))
@given(data=st.data())
def test_lines_agree_on_any_small_rule_set(data: st.DataObject) -> None:
    document = data.draw(documents())
    scorer = scorer_of(compile_document(document))
    chance = Random(data.draw(st.integers(0, 2**32)))
    lines = [*lines_of(chance, 20), *(line_of(data.draw(requests_for(document))) for _ in range(5))]

    assert disagreements(scorer, lines)[:2] == []


def test_what_is_counted_is_the_same_together_and_alone() -> None:
    together, alone = (scorer_of(shipped_rules(), notes=(NOTE,)) for _ in range(2))
    lines = lines_of(Random(5), 200)
    told = score_lines(together, lines)
    for line, result in zip(lines, told, strict=True):
        alone.answer(line)
        if result is None:
            together.answer(line)

    assert isinstance(together.telemetry, Counts)
    assert isinstance(alone.telemetry, Counts)
    assert together.telemetry.told() == alone.telemetry.told() != []


# --- bytes that JSON and Arrow might take differently ----------------------------------------------------------------

PLAIN: Final = line_of({"runner": {"age_years": 41}, "training": {}}, id="plain")
RUN: Final = '{"started_on":"2026-11-20","distance_m":5000.0}'


def bare(runner: str = "{}", training: str = "{}", *, beside: str = "") -> bytes:
    return f'{{"id":"odd","request":{{"runner":{runner},"training":{training}}}{beside}}}'.encode()


ODD: Final[dict[str, bytes]] = {
    "nothing": b"",
    "a text": b'"{}"',
    "a list": b"[" + PLAIN + b"]",
    "an open object": PLAIN[:-1],
    "the rest of one": b"}",
    "two rows": PLAIN + PLAIN,
    "two rows and a half": PLAIN + PLAIN + b'{"id":"b"',
    "two rows and the end of the text": PLAIN + PLAIN + b"\0}",
    "the end of the text within": b'{"id":"a",\0"request":{"runner":{},"training":{}}}',
    "an object that goes on": b'{"id":"a","request":{"runner":{},"training":{}}',
    "a text that goes on": b'{"id":"a}',
    "a comma too many": b'{"id":"a","request":{"runner":{},"training":{}},}',
    "a comment": b'{"id":"a",/* */"request":{"runner":{},"training":{}}}',
    "single quotes": b"{'id':'a'}",
    "an id escaped": b'{"id":"\\u0061","request":{"runner":{},"training":{}}}',
    "half a character": b'{"id":"\\ud800","request":{"runner":{},"training":{}}}',
    "no UTF-8": b'{"id":"\xff","request":{"runner":{},"training":{}}}',
    "a surrogate in UTF-8": b'{"id":"\xed\xa0\x80","request":{"runner":{},"training":{}}}',
    "a tab within a text": b'{"id":"a\tb","request":{"runner":{},"training":{}}}',
    "a return within a text": b'{"id":"a\rb","request":{"runner":{},"training":{}}}',
    "a form feed between": b'{"id":"a",\f"request":{"runner":{},"training":{}}}',
    "a form feed at the end": PLAIN + b"\f",
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN,
    "no id": b'{"request":{"runner":{},"training":{}}}',
    "an id of null": line_of({"runner": {}, "training": {}}, id=None),
    "an id that is a number": line_of({"runner": {}, "training": {}}, id=7),
    "an id of nothing": line_of({"runner": {}, "training": {}}, id=""),
    "an id too long": line_of({"runner": {}, "training": {}}, id="é" * 129),
    "two ids": b'{"id":"a","id":"b","request":{"runner":{},"training":{}}}',
    "no request": b'{"id":"a"}',
    "a request of null": line_of(None),
    "no runner": line_of({"training": {}}),
    "a runner of null": line_of({"runner": None, "training": {}}),
    "a training of null": line_of({"runner": {}, "training": None}),
    "an unknown member": bare(beside=',"colour":"blue"'),
    "an unknown member of null": bare(beside=',"colour":null'),
    "an unknown field of null": bare('{"colour":null}'),
    "an unknown object": bare('{"colour":{"hue":1}}'),
    "a field twice": bare('{"age_years":41,"age_years":42}'),
    "a field of a session twice": bare("{}", '{"sessions":[{"started_on":"2026-11-20","effort":1,"effort":2}]}'),
    "not a number": bare('{"sleep_hours":NaN}'),
    "no end": bare('{"sleep_hours":Infinity}'),
    "less than no end": bare('{"sleep_hours":-Infinity}'),
    "inf": bare('{"sleep_hours":Inf}'),
    "beyond floats": bare('{"sleep_hours":1e400}'),
    "hundreds of digits": bare('{"age_years":' + "9" * 400 + "}"),
    "a leading zero": bare('{"age_years":041}'),
    "a leading plus": bare('{"age_years":+41}'),
    "a leading point": bare('{"sleep_hours":.5}'),
    "a trailing point": bare('{"sleep_hours":5.}'),
    "hexadecimal": bare('{"age_years":0x29}'),
    "a number as text": bare('{"age_years":"41"}'),
    "a number as yes": bare('{"age_years":true}'),
    "yes as a number": bare('{"life_complaint":1}'),
    "yes as text": bare('{"life_complaint":"true"}'),
    "a choice as a number": bare('{"sex":1}'),
    "a choice in capitals": bare('{"sex":"Female"}'),
    "a day as a number": bare("{}", '{"observed_from":20260901}'),
    "a day with a time": bare("{}", '{"observed_from":"2026-09-01T00:00:00"}'),
    "a day beside that is none": bare(beside=',"as_of":"20261123"'),
    "a day beside that is too late": bare(beside=',"as_of":"2030-01-01"'),
    "a session of null": bare("{}", f'{{"sessions":[{RUN},null]}}'),
    "a session of nothing": bare("{}", f'{{"sessions":[{RUN},{{}}]}}'),
    "sessions as an object": bare("{}", f'{{"sessions":{RUN}}}'),
    "a symptom of null": bare('{"symptoms":[null]}'),
    "a plan of nothing": bare("{}", '{"planned_run":{}}'),
    "a plan of nulls": bare("{}", '{"planned_run":{"distance_m":null,"on":null}}'),
    "lists without end": bare('{"symptoms":' + "[" * 20_000 + "]" * 20_000 + "}"),
    "objects without end": bare('{"knee":' * 20_000 + "{}" + "}" * 20_000),
}  # fmt: skip
USUAL: Final[dict[str, bytes]] = {
    "blanks around": b'{ "id" : "a" ,\t"request" : { "runner" : {} ,\r"training" : {} } } \t\r',
    "members in another order": b'{"request":{"training":{},"runner":{}},"id":"a"}',
    "an id in another script": line_of({"runner": {}, "training": {}}, id="\N{RUNNER}\u2028" * 64),
    "a quote of one kind in an id": line_of({"runner": {}, "training": {}}, id="O'Neil </script>\x7f"),
    "objects of nothing": bare('{"knee":{},"lower_back":{"symptoms":[]}}'),
    "nulls": bare('{"age_years":null,"knee":null}', '{"sessions":null,"planned_run":null}'),
    "a whole number with a point": bare('{"age_years":41.0,"running_years":2}'),
    "a whole number with an exponent": bare('{"age_years":4.1e1}'),
    "less than nothing": bare('{"sleep_hours":-0.0,"running_years":-0}'),
    "seventeen digits": bare("{}", '{"sessions":[{"started_on":"2026-11-20","distance_m":5000.0004999999999}]}'),
    "a day beside": bare(beside=',"as_of":"2026-11-20"'),
    "a day beside of null": bare(beside=',"as_of":null'),
    "unknown weeks": bare("{}", '{"weekly_distance_m":[null,20000,null,21000.5]}'),
}


@pytest.mark.parametrize("name", USUAL)
def test_what_is_plainly_in_order_is_scored_together(name: str) -> None:
    scorer = scorer_of(shipped_rules())
    lines = [PLAIN, USUAL[name], PLAIN]

    assert scored_together(scorer, lines) == [0, 1, 2]
    assert disagreements(scorer, lines) == []


@pytest.mark.parametrize("name", ODD)
def test_what_may_be_a_fault_is_left_to_be_scored_alone_and_spoils_nothing_beside_it(name: str) -> None:
    scorer = scorer_of(shipped_rules())
    lines = [PLAIN] * 60 + [ODD[name]] + [PLAIN] * 60
    together = scored_together(scorer, lines)

    assert 60 not in together
    assert len(together) >= len(lines) - LINES_LEFT_OUT_TOGETHER
    assert disagreements(scorer, lines) == []


@pytest.mark.parametrize(
    "lines",
    [
        [b'{"id":"a",', b'"request":{"runner":{},"training":{}}}', PLAIN + PLAIN],
        [PLAIN + PLAIN + b"\0}", PLAIN],
        [b'{"id":"a","request":{"runner":{},"training":{"sessions":[{}', b'{"id":"b"}', PLAIN + PLAIN + PLAIN],
        [b'{"id":"a}', b'{b","request":{"runner":{},"training":{}}}', PLAIN + PLAIN],
    ],
)
def test_lines_are_never_read_as_one_row_nor_one_line_as_two(lines: list[bytes]) -> None:
    scorer = scorer_of(shipped_rules())

    for ordered in (lines, lines[::-1], lines * 20):
        assert {ordered[place] for place in scored_together(scorer, ordered)} <= {PLAIN}
        assert disagreements(scorer, ordered) == []


def changed(line: bytes, chance: Random) -> bytes:
    """The line with a few bytes changed, left out or doubled, as a broken writer or a hostile one would."""
    text = bytearray(line)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(text))
        edit: Callable[[], Any] = chance.choice([
            lambda place=place: text.__setitem__(place, chance.choice(b'{}[]",:0123456789-+.eE ntf\\\r\t\x00\xc3')),
            lambda place=place: text.__delitem__(place),
            lambda place=place: text.insert(place, chance.choice(b'{}[]",:0123456789-+.eE \\')),
            lambda place=place: text.extend(text[place:]),
        ])  # fmt: skip
        edit()
    return bytes(text).replace(b"\n", b" ")


def test_lines_with_bytes_changed_agree_or_are_left_out() -> None:
    scorer = scorer_of(shipped_rules())
    for seed in range(max(4, RUNNERS // 300)):
        chance = Random(f"changed/{seed}")
        whole = lines_of(chance, 60)
        lines = [changed(line, chance) if chance.random() < 0.5 else line for line in whole]

        assert disagreements(scorer, lines)[:2] == []


def test_an_error_nobody_foresaw_leaves_all_lines_to_be_scored_alone(caplog: pytest.LogCaptureFixture) -> None:
    broken = replace(scorer_of(shipped_rules()), today=cast(date, "no day"))

    assert score_lines(broken, [PLAIN] * 3) == [None] * 3
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert '"plain"' not in caplog.text


def test_lines_are_parsed_piece_by_piece_and_pieces_of_answers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_columns, "PARSED_TOGETHER_BYTES", 2_000)
    monkeypatch.setattr(written_columns, "PIECES_MOST", 0)
    scorer = scorer_of(shipped_rules())
    lines = lines_of(Random(23), 40)

    assert len(scored_together(scorer, lines)) > 0
    assert disagreements(scorer, lines) == []


def test_lines_of_which_none_has_an_id_are_all_left_to_be_scored_alone() -> None:
    scorer = scorer_of(shipped_rules())

    assert scored_together(scorer, [line_of({"runner": {}, "training": {}}, id="")] * 2) == []
