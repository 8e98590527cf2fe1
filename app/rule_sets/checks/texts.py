"""Every text of a document, with where it stands and who reads it."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from app.scoring.rule_set import RuleSetDocument, Text

Reader = Literal["runner", "author"]
DEFAULT_LANGUAGE = "en"


class Said(NamedTuple):
    """One text in one language.

    Attributes:
        path: JSON Pointer to the text, whatever its languages.
        reader: a `runner` reads it in an answer or in a question; an `author` or a form reads the rest.
    """

    path: str
    language: str
    text: str
    reader: Reader


def texts_of(document: RuleSetDocument) -> Iterator[Said]:
    """Every text in every language, in document order."""
    for path, text, reader in _texts(document):
        for language, said in text.items():
            yield Said(path, language, said, reader)


def _texts(document: RuleSetDocument) -> Iterator[tuple[str, Text, Reader]]:
    for number, factor in enumerate(document.factors):
        yield f"/factors/{number}/title", factor.title, "author"
        yield f"/factors/{number}/limits", factor.limits, "author"
        for joint, at_joint in factor.joints.items():
            if at_joint.reason:
                yield f"/factors/{number}/joints/{joint}/reason", {DEFAULT_LANGUAGE: at_joint.reason}, "author"
    for number, cut in enumerate(document.levels.cuts):
        yield f"/levels/cuts/{number}/headline", cut.headline, "runner"
    for number, advice in enumerate(document.advice):
        yield f"/advice/{number}/text", advice.text, "runner"
    for number, flag in enumerate(document.flags):
        if flag.question is not None:
            yield f"/flags/{number}/question", flag.question, "runner"
        yield f"/flags/{number}/text", flag.text, "runner"
        yield f"/flags/{number}/action", flag.action, "runner"
    for number, benefit in enumerate(document.benefits):
        yield f"/benefits/{number}/text", benefit.text, "runner"
    for group in ("first_year", "experienced"):
        yield f"/rates/{group}/title", getattr(document.rates, group).title, "author"
    yield "/rates/unknown_experience_title", document.rates.unknown_experience_title, "author"
    for field in ("notice", "headline_not_assessed", "finding_first_year"):
        yield f"/texts/{field}", getattr(document.texts, field), "runner"
    for joint, name in document.texts.joints.items():
        yield f"/texts/joints/{joint}", name, "author"
