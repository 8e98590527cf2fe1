"""The texts of a rule set by id: what an answer with `detail=codes` leaves out, so that a caller can put it back.

A full answer's `title`, `published`, `sources` and the like stand here once for each factor and band.
"""

from typing import Any

from app.features import FEATURES
from app.scoring.compiled import CompiledRuleSet, Pair
from app.scoring.rule_set import Part, Text
from app.scoring.wording import describe_effect, text_in


def describe_texts(rules: CompiledRuleSet, language: str) -> dict[str, Any]:
    """Everything that the ids of a `codes` answer stand for, in one language."""
    document = rules.document

    def say(text: Text) -> str:
        return text_in(text, language)

    return {
        "version": rules.version,
        "digest": rules.digest,
        "language": language,
        "factors": {
            factor.id: {
                "title": say(factor.title),
                "limits": say(factor.limits),
                "modifiable": factor.modifiable,
                "contested": factor.contested,
                "sources": factor.evidence.sources,
                "joints": {
                    joint: _at_joint(rules, pair)
                    for joint, tables in rules.joints.items()
                    for pair in tables.pairs
                    if pair.factor.id == factor.id
                },
            }
            for factor in document.factors
        },
        "levels": {cut.id: {"from": cut.from_, "headline": say(cut.headline)} for cut in document.levels.cuts},
        "advice": {
            entry.id: {
                "category": entry.category,
                "text": say(entry.text),
                "basis": entry.basis,
                "evidence": entry.evidence,
                "sources": entry.sources,
            }
            for entry in document.advice
        },
        "flags": {
            flag.id: {
                "joint": None if flag.joint == "whole_body" else flag.joint,
                "urgency": flag.urgency,
                "question": None if flag.question is None else say(flag.question),
                "text": say(flag.text),
                "action": say(flag.action),
                "sources": flag.sources,
            }
            for flag in document.flags
        },
        "benefits": {
            benefit.id: {"text": say(benefit.text), "evidence": benefit.evidence, "sources": benefit.sources}
            for benefit in document.benefits
        },
        "rates": {
            "first_year": say(document.rates.first_year.title),
            "experienced": say(document.rates.experienced.title),
            "unknown": say(document.rates.unknown_experience_title),
            "sources": document.rates.sources,
        },
        "joints": {joint: say(text) for joint, text in document.texts.joints.items()},
        "headline_not_assessed": say(document.texts.headline_not_assessed),
        "notice": say(document.texts.notice),
        "sources": {id: _told(source) for id, source in document.sources.items()},
    }


def _at_joint(rules: CompiledRuleSet, pair: Pair) -> dict[str, Any]:
    ruler = rules.rulers[pair.ruler]
    return {
        "feature": ruler.feature,
        "unit": FEATURES[ruler.feature].unit,
        "evidence": pair.grade,
        "weight": float(pair.weight),
        "bands": [
            {"band": label, "published": [describe_effect(effect, pair) for effect in band.effects]}
            for label, band in zip(ruler.labels, pair.bands, strict=True)
        ],
    }


def _told(part: Part) -> dict[str, Any]:
    return part.model_dump(mode="json", include={"citation", "doi", "pmid"})
