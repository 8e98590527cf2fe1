"""A rule of a rule set's life is one guard function: each lets through what may be and refuses what may not."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from app.errors import (
    AlreadyInForceError,
    DigestTakenError,
    GuardMissingError,
    InvalidInputError,
    JointRiskError,
    NotScheduledError,
    RuleSetInUseError,
    RuleSetWithdrawnError,
    SecondPersonNeededError,
    StaleError,
    UnknownActivationError,
    VersionTakenError,
)
from app.rule_sets import lifecycle
from app.rule_sets.lifecycle import derive_outranked, derive_standing
from app.rule_sets.store import Activation, RuleSetEntry

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(sequence: int, version: str | None, effective_at: datetime | None, *cancels: int) -> Activation:
    return Activation(sequence, version, None, effective_at, NOON - HOUR, "ann", "because", cancels)


# 2026.1 in force by 2; 3 took effect and was cancelled by 4; 5 is scheduled; 6 was, and 7 cancels it.
LEDGER = [
    row(1, "2025.1", NOON - 9 * HOUR),
    row(2, "2026.1", NOON - 8 * HOUR),
    row(3, "2026.2", NOON - 7 * HOUR),
    row(4, None, None, 3),
    row(5, "2026.3", NOON + HOUR),
    row(6, "2026.4", NOON + HOUR),
    row(7, None, None, 6),
]
STANDING = derive_standing(LEDGER, now=NOON)
NOTHING_SCHEDULED = derive_standing(LEDGER[:4], now=NOON)
ENTRY = RuleSetEntry("2026.1", "sha256:" + "a" * 64, NOON, "ann", "because")

GUARDS: list[tuple[Callable[..., object], type[JointRiskError], list[partial[None]], list[partial[None]]]] = [
    (
        lifecycle.ensure_reason,
        InvalidInputError,
        [partial(lifecycle.ensure_reason, text) for text in ("", " \n", "x" * 1001, "a\x00b", "a\ud800", "\x1b[31m")],
        [partial(lifecycle.ensure_reason, text) for text in ("x", "x" * 1000, "two\nlines", "más datos 🏃")],
    ),
    (
        lifecycle.ensure_version_form,
        InvalidInputError,
        [
            partial(lifecycle.ensure_version_form, text)
            for text in ("", "2026", "2026.01", "26.1", "latest", "2026.1 ", "0999.1", "2026.9999999999", "\uff12026.1")
        ],
        [partial(lifecycle.ensure_version_form, text) for text in ("2026.1", "2026.10", "1000.0", "9999.999999999")],
    ),
    (
        lifecycle.ensure_draft_name_form,
        InvalidInputError,
        [partial(lifecycle.ensure_draft_name_form, text) for text in ("", "Spring", "_x", "a b", "x" * 65, "ä", "a:b")],
        [partial(lifecycle.ensure_draft_name_form, text) for text in ("a", "spring-2026_2", "9", "x" * 64)],
    ),
    (
        lifecycle.ensure_moment,
        InvalidInputError,
        [
            partial(lifecycle.ensure_moment, NOON - timedelta(microseconds=1), now=NOON),
            partial(lifecycle.ensure_moment, NOON + timedelta(days=90, microseconds=1), now=NOON),
        ],
        [
            partial(lifecycle.ensure_moment, NOON, now=NOON),
            partial(lifecycle.ensure_moment, NOON + timedelta(days=90), now=NOON),
        ],
    ),
    (
        lifecycle.ensure_draft_was_seen,
        StaleError,
        [
            partial(lifecycle.ensure_draft_was_seen, "b", if_match=["a"], if_none_match=None),
            partial(lifecycle.ensure_draft_was_seen, None, if_match=["a"], if_none_match=None),
            partial(lifecycle.ensure_draft_was_seen, None, if_match=["*"], if_none_match=None),
            partial(lifecycle.ensure_draft_was_seen, "b", if_match=None, if_none_match=["*"]),
            partial(lifecycle.ensure_draft_was_seen, "b", if_match=["b"], if_none_match=["a", "b"]),
        ],
        [
            partial(lifecycle.ensure_draft_was_seen, "b", if_match=["a", "b"], if_none_match=None),
            partial(lifecycle.ensure_draft_was_seen, "b", if_match=["*"], if_none_match=None),
            partial(lifecycle.ensure_draft_was_seen, None, if_match=None, if_none_match=["*"]),
            partial(lifecycle.ensure_draft_was_seen, None, if_match=None, if_none_match=None),
        ],
    ),
    (
        lifecycle.ensure_draft_was_seen,
        GuardMissingError,
        [
            partial(lifecycle.ensure_draft_was_seen, "b", if_match=None, if_none_match=None),
            partial(lifecycle.ensure_draft_was_seen, "b", if_match=None, if_none_match=["a"]),
        ],
        [],
    ),
    (
        lifecycle.ensure_expected_digest,
        StaleError,
        [partial(lifecycle.ensure_expected_digest, "a", expected="b")],
        [
            partial(lifecycle.ensure_expected_digest, "a", expected="a"),
            partial(lifecycle.ensure_expected_digest, "a", expected=None),
        ],
    ),
    (
        lifecycle.ensure_version_is_free,
        VersionTakenError,
        [partial(lifecycle.ensure_version_is_free, "2026.1", standing=ENTRY)],
        [partial(lifecycle.ensure_version_is_free, "2026.1", standing=None)],
    ),
    (
        lifecycle.ensure_document_is_new,
        DigestTakenError,
        [partial(lifecycle.ensure_document_is_new, standing_as="2026.1")],
        [partial(lifecycle.ensure_document_is_new, standing_as=None)],
    ),
    (
        lifecycle.ensure_second_person,
        SecondPersonNeededError,
        [partial(lifecycle.ensure_second_person, "ann", authors=["bob", "ann"], second_person="needed")],
        [
            partial(lifecycle.ensure_second_person, "cleo", authors=["bob", "ann"], second_person="needed"),
            partial(lifecycle.ensure_second_person, "ann", authors=["ann"], second_person="not needed"),
        ],
    ),
    (
        lifecycle.ensure_nothing_was_decided_since,
        StaleError,
        [partial(lifecycle.ensure_nothing_was_decided_since, sequence, standing=STANDING) for sequence in (6, 8, -1)],
        [partial(lifecycle.ensure_nothing_was_decided_since, sequence, standing=STANDING) for sequence in (7, None)],
    ),
    (
        lifecycle.ensure_not_withdrawn,
        RuleSetWithdrawnError,
        [partial(lifecycle.ensure_not_withdrawn, "2026.1", withdrawn={"2026.1"})],
        [partial(lifecycle.ensure_not_withdrawn, "2026.1", withdrawn={"2026.2"})],
    ),
    (
        lifecycle.ensure_something_changes,
        AlreadyInForceError,
        [
            partial(lifecycle.ensure_something_changes, "2026.1", standing=NOTHING_SCHEDULED, keeps_schedule="cancel"),
            partial(lifecycle.ensure_something_changes, "2026.1", standing=STANDING, keeps_schedule="keep"),
            # 2026.1 still holds just before 5 takes effect, and 2026.3 from then on.
            *(
                partial(
                    lifecycle.ensure_something_changes,
                    version,
                    standing=STANDING,
                    keeps_schedule="keep",
                    effective_at=effective_at,
                )
                for version, effective_at in (
                    ("2026.1", NOON + HOUR / 2),
                    ("2026.3", NOON + HOUR),
                    ("2026.3", NOON + 2 * HOUR),
                )
            ),
        ],
        [
            *(
                partial(
                    lifecycle.ensure_something_changes,
                    version,
                    standing=STANDING,
                    keeps_schedule="keep",
                    effective_at=effective_at,
                )
                for version, effective_at in (
                    ("2026.1", NOON + HOUR),
                    ("2026.1", NOON + 2 * HOUR),
                    ("2026.3", NOON + HOUR / 2),
                )
            ),
            partial(lifecycle.ensure_something_changes, "2026.1", standing=STANDING, keeps_schedule="cancel"),
            partial(lifecycle.ensure_something_changes, "2026.2", standing=NOTHING_SCHEDULED, keeps_schedule="cancel"),
            partial(
                lifecycle.ensure_something_changes,
                "2026.1",
                standing=derive_standing([], now=NOON),
                keeps_schedule="cancel",
            ),
        ],
    ),
    (
        lifecycle.ensure_still_scheduled,
        NotScheduledError,
        [
            partial(lifecycle.ensure_still_scheduled, sequence, rows=LEDGER, standing=STANDING)
            for sequence in (1, 2, 3, 4, 6, 7)
        ],
        [partial(lifecycle.ensure_still_scheduled, 5, rows=LEDGER, standing=STANDING)],
    ),
    (
        lifecycle.ensure_still_scheduled,
        UnknownActivationError,
        [partial(lifecycle.ensure_still_scheduled, sequence, rows=LEDGER, standing=STANDING) for sequence in (0, 8)],
        [],
    ),
    (
        lifecycle.ensure_not_in_use,
        RuleSetInUseError,
        [partial(lifecycle.ensure_not_in_use, version, standing=STANDING) for version in ("2026.1", "2026.3")],
        [
            partial(lifecycle.ensure_not_in_use, version, standing=STANDING)
            for version in ("2025.1", "2026.2", "2026.4")
        ],
    ),
]


def test_every_guard_has_its_row_here() -> None:
    guards = {
        function
        for name, function in vars(lifecycle).items()
        if inspect.isfunction(function) and name.startswith("ensure_") and function.__module__ == lifecycle.__name__
    }
    assert {guard for guard, _, _, _ in GUARDS} == guards


@pytest.mark.parametrize(
    ("refusal", "call"), [(refusal, call) for _, refusal, refused, _ in GUARDS for call in refused]
)
def test_what_may_not_be_is_refused(refusal: type[JointRiskError], call: partial[None]) -> None:
    with pytest.raises(refusal):
        call()


@pytest.mark.parametrize("call", [call for _, _, _, allowed in GUARDS for call in allowed])
def test_what_may_be_is_let_through(call: partial[None]) -> None:
    call()


def test_in_force_is_the_highest_number_that_took_effect_and_that_nobody_cancelled() -> None:
    assert STANDING.last_sequence == 7
    assert STANDING.in_force is LEDGER[1]
    assert STANDING.scheduled == (LEDGER[4],)
    assert derive_standing(LEDGER, now=NOON + 2 * HOUR).in_force is LEDGER[4]
    assert derive_standing([], now=NOON).in_force is None


@pytest.mark.parametrize(
    ("scheduled", "outranked"),
    [
        ([(2, 5)], {}),
        ([(2, 5), (3, 6)], {}),
        ([(2, 5), (3, 4)], {2: 3}),
        ([(2, 5), (3, 5)], {2: 3}),
        ([(2, 6), (3, 5), (4, 4)], {2: 4, 3: 4}),
        ([(2, 6), (3, 4), (4, 5)], {2: 4}),
    ],
)
def test_what_was_decided_later_for_an_earlier_moment_outranks(
    scheduled: list[tuple[int, int]], outranked: dict[int, int]
) -> None:
    in_force = row(1, "2026.1", NOON)
    coming = [row(sequence, "2026.2", NOON + hours * HOUR) for sequence, hours in scheduled]

    assert derive_outranked(in_force, coming) == outranked
    assert derive_outranked(None, reversed(coming)) == outranked


def test_what_is_in_force_with_a_higher_number_outranks_all_that_is_scheduled() -> None:
    assert derive_outranked(row(3, "2026.1", NOON), [row(2, "2026.2", NOON + HOUR)]) == {2: 3}
