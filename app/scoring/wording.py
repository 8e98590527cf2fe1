"""Pieces of an answer that are the same for many runners: written once per rule set and language, then joined.

Every piece is UTF-8 JSON; what differs from runner to runner (a reading, a score) goes between the pieces.
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from app.features import FEATURES
from app.runners import JointId
from app.scoring.compiled import CompiledRuleSet, Pair, Share, effect_weight
from app.scoring.numerals import quote, quote_or_null, write_hundredths
from app.scoring.rule_set import Advice, Benefit, Conversion, Effect, Flag, Text
from app.scoring.rulers import bands_in


def text_in(text: Text, language: str = "en") -> str:
    """A text in this language, or in English, which every text has."""
    return text.get(language) or text["en"]


def fill(text: str, **words: str) -> str:
    """A text with its {names} filled in."""
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return text


class Contribution(NamedTuple):
    """One contribution written, but for its reading: `head`, the reading, `tail`; and whole in the codes form.

    Attributes:
        position: its place among the joint's contributions; every piece but the first begins with a comma.
    """

    position: int
    ruler: int
    head: bytes
    tail: bytes
    codes: bytes


class AdvicePieces(NamedTuple):
    """One advice written, but for what it is given for: joints, causes and scores go between the pieces."""

    category: bytes
    after_joints: bytes
    after_scores: bytes


class Wording:
    """The written pieces of one rule set in one language, each made when first needed and kept.

    Attributes:
        always_cited: the members of `sources` that stand in every answer: those of every factor and rate.
        benefit_code: a benefit without numbers as the codes answer has it, by its id.
    """

    def __init__(self, rules: CompiledRuleSet, language: str) -> None:
        self.rules = rules
        self.language = language
        self._groups: dict[tuple[JointId, int, int], tuple[Contribution, ...]] = {}
        self._excluded: dict[tuple[JointId, int, int], Contribution] = {}
        self._advice: dict[str, AdvicePieces] = {}
        self._benefits: dict[str, tuple[str, str]] = {}
        self._headlines: dict[tuple[str, JointId, str], str] = {}
        document = rules.document
        self._sources = {
            name: f",{quote(name)}:{_write_source(source)}".encode() for name, source in document.sources.items()
        }
        always = [*document.rates.sources, *(name for factor in document.factors for name in factor.evidence.sources)]
        self._always = frozenset(always)
        self.always_cited = b"".join(self._sources[name] for name in dict.fromkeys(always))[1:]
        self.benefit_code = {benefit.id: f'{{"id":"{benefit.id}","numbers":{{}}}}' for benefit in document.benefits}
        self.rule_set = f'{{"version":{quote(rules.version)},"digest":{quote(rules.digest)}}}'
        self.rule_set_sorted = f'{{"digest":{quote(rules.digest)},"version":{quote(rules.version)}}}'
        self.notice = self.say(document.texts.notice)
        rates = document.rates
        self.compared_with = {
            "first_year": text_in(rates.first_year.title, language),
            "experienced": text_in(rates.experienced.title, language),
            "unknown": text_in(rates.unknown_experience_title, language),
        }

        self.compared_with_quoted = {group: quote(title) for group, title in self.compared_with.items()}

    def say(self, text: Text) -> str:
        """A text of the rule set in this language, quoted."""
        return quote(text_in(text, self.language))

    def group(self, joint: JointId, number: int, index: int) -> tuple[Contribution, ...]:
        """The contributions of a group's members for one of its entries."""
        key = (joint, number, index)
        written = self._groups.get(key)
        if written is None:
            group = self.rules.joints[joint].groups[number]
            rows = zip(group.members, group.entries[index].shares, strict=True)
            masks = group.masks(index)
            written = self._groups[key] = tuple(
                self._write(member.position, member.pair, mask, share)
                for (member, share), mask in zip(rows, masks, strict=True)
            )
        return written

    def excluded(self, joint: JointId, position: int, mask: int) -> Contribution:
        """The contribution of a pair that weighs nothing, standing in these bands."""
        key = (joint, position, mask)
        written = self._excluded.get(key)
        if written is None:
            pair = self.rules.joints[joint].pairs[position]
            is_known = bool(mask) and not mask & (mask - 1)
            alone = pair.band_points[mask.bit_length() - 1] if is_known else None
            written = self._excluded[key] = self._write(position, pair, mask, Share("excluded", 0, alone))
        return written

    def _write(self, position: int, pair: Pair, mask: int, share: Share) -> Contribution:
        ruler = self.rules.rulers[pair.ruler]
        bands = bands_in(mask)
        label = quote(ruler.labels[bands[0]]) if len(bands) == 1 else "null"
        effects = [effect for band in bands for effect in pair.bands[band].effects]
        weight = pair.weight
        if len(bands) == 1 and effects:
            weight = effect_weight(effects[0], pair.joint, pair.factor.joints[pair.joint])
        published = [describe_effect(effect, pair) for effect in effects]
        points = write_hundredths(share.points)
        alone = "null" if share.points_alone is None else write_hundredths(share.points_alone)
        factor = pair.factor
        comma = "," if position else ""
        head = (
            f'{comma}{{"factor":"{factor.id}","title":{self.say(factor.title)},'
            f'"feature":"{ruler.feature}","band":{label},'
        )
        tail = (
            f',"unit":{quote(FEATURES[ruler.feature].unit)},"status":"{share.status}","points":{points},'
            f'"points_alone":{alone},"modifiable":{_write(factor.modifiable)},"weight":{weight.normalize():f},'
            f'"published":{_write(published)},"evidence":{quote_or_null(pair.grade)},'
            f'"contested":{_write(factor.contested)},"sources":{_write(factor.evidence.sources)}}}'
        )
        codes = f'{comma}{{"band":{label},"factor":"{factor.id}","points":{points},"status":"{share.status}"}}'
        return Contribution(position, pair.ruler, head.encode(), tail.encode(), codes.encode())

    def advice(self, advice: Advice) -> AdvicePieces:
        """The fixed pieces of an advice."""
        pieces = self._advice.get(advice.id)
        if pieces is None:
            pieces = self._advice[advice.id] = AdvicePieces(
                f'{{"id":"{advice.id}","category":"{advice.category}","joints":'.encode(),
                f',"text":{self.say(advice.text)},"because":'.encode(),
                f',"basis":"{advice.basis}","evidence":{quote_or_null(advice.evidence)},'
                f'"sources":{_write(advice.sources)}}}'.encode(),
            )
        return pieces

    def benefit(self, benefit: Benefit, numbers: Mapping[str, int], written_numbers: str) -> str:
        """A benefit with its numbers filled in."""
        pieces = self._benefits.get(benefit.id)
        if pieces is None:
            before = f'{{"id":"{benefit.id}","text":{self.say(benefit.text)},"numbers":'
            after = f',"evidence":"{benefit.evidence}","sources":{_write(benefit.sources)}}}'
            pieces = self._benefits[benefit.id] = (before, after if benefit.numbers else f"{before}{{}}{after}")
        before, after = pieces
        if not numbers:
            return after
        for name, number in numbers.items():
            before = before.replace(f"{{{name}}}", str(number))
        return f"{before}{written_numbers}{after}"

    def headline(self, level: str, joint: JointId, comparison: str) -> str:
        """The sentence over a scored answer, quoted."""
        key = (level, joint, comparison)
        headline = self._headlines.get(key)
        if headline is None:
            document = self.rules.document
            text = next(cut.headline for cut in document.levels.cuts if cut.id == level)
            joint_name = text_in(document.texts.joints[joint], self.language)
            words = fill(text_in(text, self.language), joint=joint_name, compared_with=self.compared_with[comparison])
            headline = self._headlines[key] = quote(words)
        return headline

    def refer(self, flag: Flag) -> str:
        """The sentence over an answer that refers, quoted."""
        return quote(f"{text_in(flag.text, self.language)} {text_in(flag.action, self.language)}")

    def cite(self, cited: Iterable[str]) -> bytes:
        """The members of `sources` that follow `always_cited`: each of these that is not among them."""
        return b"".join([self._sources[name] for name in dict.fromkeys(cited) if name not in self._always])


def _write(anything: object) -> str:
    return json.dumps(anything, ensure_ascii=False, separators=(",", ":"))


def _write_source(source: object) -> str:
    return _write({name: getattr(source, name) for name in ("citation", "doi", "pmid")})


def describe_effect(effect: Effect, pair: Pair) -> dict[str, object]:
    """A published effect as `published` shows it, with the weight it has for the pair's joint."""
    evidence = pair.factor.evidence
    converted = effect.converted_from
    return {
        "measure": effect.measure or evidence.measure,
        "estimate": float(effect.ratio),
        "low": float(effect.low),
        "high": float(effect.high),
        "interval": effect.interval,
        "outcome": effect.outcome or evidence.outcome,
        "power": effect.power,
        "weight": float(effect_weight(effect, pair.joint, pair.factor.joints[pair.joint])),
        "converted_from": None if converted is None else _converted(converted),
    }


def _converted(conversion: Conversion) -> dict[str, object]:
    numbers = {name: getattr(conversion, name) for name in ("estimate", "low", "high", "baseline_share")}
    return {
        "measure": conversion.measure,
        **{name: None if number is None else float(number) for name, number in numbers.items()},
    }


def wording_of(rules: CompiledRuleSet, language: str) -> Wording:
    """The wording of a rule set in the best language it has for this one, kept with the rule set."""
    kept = rules.carried.get(f"wording:{language}")
    if kept is None:
        spoken = language_of(rules, language)
        kept = rules.carried.get(f"wording:{spoken}")
        if kept is None:
            kept = rules.carried[f"wording:{spoken}"] = Wording(rules, spoken)
    return cast(Wording, kept)


def language_of(rules: CompiledRuleSet, wanted: str) -> str:
    """The language of the answer: the wanted one (or its main language) where the rule set speaks it, else English."""
    spoken = rules.document.texts.notice
    main = wanted.partition("-")[0].lower()
    return wanted if wanted in spoken else main if main in spoken else "en"
