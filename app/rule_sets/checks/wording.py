"""Wording stays general wellness: no claim that only a medical product could make, and plain enough to be read.

A claim is a word or a phrase of `CLAIMS`. It is no claim where the sentence is a question, and where it is denied: a
word of `DENIALS` stands before it in the same clause, at most `DENIED_WITHIN` words away ("is not a diagnosis", "does
not diagnose, treat or cure"). "Not only", "no doubt" and their like deny nothing, and a clause ends at a stop, a
semicolon, a colon, a dash, and where a comma or a "but" begins a new statement.
"""

import re
from collections.abc import Iterator
from typing import Final

from app.rule_sets.checks.draft import Draft
from app.rule_sets.checks.finding import Check, CheckFinding, Counterexample
from app.rule_sets.checks.readability import count_words, reading_grade
from app.rule_sets.checks.texts import DEFAULT_LANGUAGE, Said, texts_of

CLAIMS: Final[dict[str, str]] = {
    "diagnosing": r"diagnos\w*|you (?:have|suffer from|show signs of) (?:an? |the )?(?:\w+ )?(?:arthritis|fracture"
    r"|infection|cancer|clot|tendinitis|tendinopathy|syndrome|hernia\w*|torn \w+|inflammation)",
    "treating": r"treat(?:s|ed|ing|ments?)?|therap(?:y|ies|eutic)|medicat\w+",
    "curing": r"cur(?:es?|ed|ing)|heal(?:s|ed|ing)?|remed(?:y|ies)|fix(?:es)? (?:your|the) (?:knee|back|joint|injury)",
    "preventing": r"prevent\w*|avert(?:s|ed)?|wards? off|shields?|injury[- ](?:free|proof)"
    r"|protects?(?= (?:you|your|against|from|the (?:knee|back|joint)s?)\b)",
    "clearing": r"(?:medically |doctor[- ]?)?cleared|clearance|fit (?:to|for) (?:run|race|train)\w*"
    r"|safe(?:ly|r|st|ty)?",
    "guaranteeing": r"guarantee\w*|proven to|proves? that|certain to|(?:no|zero)[- ]risk|risk[- ]free|always works"
    r"|(?:will )?never (?:get|be) (?:hurt|injured)",
    "foretelling": r"predict\w*|you(?:'ll| will| are going to) (?:get|be|become|develop|suffer|have)"
    r"|your (?:own |personal |injury )*(?:risk|chances?|odds|probability)"
    r"|\d+ ?(?:%|per ?cent) (?:chance|risk|likel\w+)",
    "lowering risk": r"(?:lower|reduce|cut|halve|decrease|minimi[sz]e|eliminate)(?:s|d|ing)? (?:\w+ ){0,2}"
    r"(?:risk|chances?|odds|injur(?:y|ies))",
    "replacing care": r"(?:instead of|rather than|no need (?:for|to see)|replaces?) (?:\w+ ){0,2}"
    r"(?:doctors?|gps?|physiotherapists?|physicians?|medical care)",
    "approval": r"(?:fda|mhra|tga|ce)[- ](?:approved|cleared|marked|certified)"
    r"|(?:clinically|medically) (?:proven|validated|tested|approved|certified)|medical[- ](?:grade|device)",
}
"""Patterns by what they claim, as whole words in any case."""
DENIALS: Final = frozenset({"not", "no", "never", "nor", "neither", "nobody", "nothing", "none", "cannot", "without"})
DENIED_WITHIN: Final = 8
DENIED_WITHIN_CHARACTERS: Final = 200
GRADE_MOST: Final = 12.0
"""Of one text: who has finished school can read it. The hardest of 2026.1 has 10.2."""
GRADE_OF_ALL_MOST: Final = 8.0
"""Of all that a runner may read, together: the upper end of what is advised for health texts. 2026.1 has 4.7."""
WORDS_LEAST: Final = 10
"""The formula was made for passages; of a few words it says nothing."""
WORDS_OF_ALL_LEAST: Final = 100

_CLAIM: Final = {name: re.compile(rf"\b(?:{pattern})(?!\w)", re.IGNORECASE) for name, pattern in CLAIMS.items()}
_SENTENCE: Final = re.compile(r"[^.!?]*(?:[.!?](?!\s|$)[^.!?]*)*[.!?]*")
_CLAUSE_END: Final = re.compile(
    r"[;:–—]|\bbut\b|,\s+(?=(?:and|but|so|yet|while|because|it|this|that|you|they|we|which|who|then)\b)", re.IGNORECASE
)
_NO_DENIAL: Final = re.compile(
    r"\b(?:not (?:only|just|merely)|no (?:doubt|matter|question)|nothing but)\b", re.IGNORECASE
)
_WORD: Final = re.compile(r"[\w'’]+")


def find_wording(draft: Draft) -> Iterator[CheckFinding]:
    """Claims, and texts that are hard to read; of other languages only that nobody has looked."""
    unchecked: dict[str, str] = {}
    in_english: list[Said] = []
    for said in texts_of(draft.document):
        if said.language == DEFAULT_LANGUAGE:
            in_english.append(said)
        else:
            unchecked.setdefault(said.language, said.path)
    for said in in_english:
        for claim, words in dict.fromkeys(claims_in(said.text)):
            message = f"'{words}' claims {claim}, which a general-wellness product must not."
            yield CheckFinding("error", "claim", said.path, message, _shown(draft, said))
    yield from _hard_texts(draft, [said for said in in_english if said.reader == "runner"])
    for language, path in unchecked.items():
        message = f"Claims and readability are checked in English only; have somebody read '{language}'."
        yield CheckFinding("warning", "language-unchecked", path, message)


def claims_in(text: str) -> Iterator[tuple[str, str]]:
    """The claims of an English text: what kind, and in which words.

    >>> list(claims_in("This is not a diagnosis. Strong hips prevent injury."))
    [('preventing', 'prevent')]
    """
    for sentence in _SENTENCE.findall(text):
        if sentence.endswith("?"):
            continue
        for clause in _CLAUSE_END.split(sentence):
            for claim, pattern in _CLAIM.items():
                for match in pattern.finditer(clause):
                    if not _is_denied(clause[max(match.start() - DENIED_WITHIN_CHARACTERS, 0) : match.start()]):
                        yield claim, match[0]


def _is_denied(before: str) -> bool:
    """Whether what follows these words of its clause is denied by them."""
    words = _WORD.findall(_NO_DENIAL.sub("", before).lower())[-DENIED_WITHIN:]
    return any(word in DENIALS or word.endswith(("n't", "n’t")) for word in words)


def _hard_texts(draft: Draft, texts: list[Said]) -> Iterator[CheckFinding]:
    for said in texts:
        grade = reading_grade(said.text)
        if grade > GRADE_MOST and count_words(said.text) >= WORDS_LEAST:
            message = f"This text needs about {grade:.0f} years of school; {GRADE_MOST:g} is the most."
            yield CheckFinding("error", "hard-to-read", said.path, message, _shown(draft, said))
    everything = " ".join(said.text if said.text.endswith((".", "?", "!")) else f"{said.text}." for said in texts)
    grade = reading_grade(everything)
    if grade > GRADE_OF_ALL_MOST and count_words(everything) >= WORDS_OF_ALL_LEAST:
        message = f"All texts together need about {grade:.1f} years of school; {GRADE_OF_ALL_MOST:g} is the most."
        yield CheckFinding("error", "hard-to-read-together", "", message, draft.shown_by("/texts/notice"))


def _shown(draft: Draft, said: Said) -> Counterexample | None:
    """A request in whose answer the text stands; limits and questions are only told by `GET /v1/factors`."""
    field = said.path.rpartition("/")[2]
    return None if field in ("limits", "reason", "question") else draft.shown_by(said.path)


WORDING: Final = Check(
    "No text claims what only a medical product may claim, and runners with few years of school can read them.",
    {"claim": "error", "hard-to-read": "error", "hard-to-read-together": "error", "language-unchecked": "warning"},
    find_wording,
    needs_rules=False,
)
