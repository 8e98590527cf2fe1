"""Whether a rule-set document holds together: bands without gaps, names that exist, weights within their grade.

The models in `rule_set.py` refuse what one part alone can show; this looks across parts. It collects: a document with
nine faults gives nine.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from math import prod

from app.errors import Fault
from app.features import FEATURES, Feature
from app.runners import JOINTS, JointId
from app.scoring.compiled import effect_weight
from app.scoring.rule_set import GRADE_CEILING, Band, Condition, Factor, RuleSetDocument, Text
from app.scoring.rulers import Ruler, edge_of, make_ruler

ENTRIES_MAX = 4_096
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def document_faults(document: RuleSetDocument) -> list[Fault]:
    """Everything that keeps a document from being compiled and served, by JSON Pointer.

    Returns:
        An empty list for a document that `compile_rule_set` takes.
    """
    return list(_Look(document).found)


class _Look:
    """One look over one document; `found` holds its result."""

    def __init__(self, document: RuleSetDocument) -> None:
        self.document = document
        self.found: dict[Fault, None] = {}
        self.factors = {factor.id: factor for factor in document.factors}
        self.flags = {flag.id for flag in document.flags}
        self.rulers: dict[str, list[tuple[JointId, Ruler]]] = {}
        for name in ("factors", "advice", "flags", "benefits"):
            self._look_for_repeated_ids(name, [part.id for part in getattr(document, name)])
        for number, factor in enumerate(document.factors):
            self._look_at_factor(factor, f"/factors/{number}")
        if not self.found:  # groups and conditions can only be read off sound bands
            self._look_at_groups()
            self._look_at_conditions()
        self._look_at_levels()
        self._look_at_names()
        self._look_at_texts()

    def _fault(self, pointer: str, code: str, detail: str) -> None:
        self.found[Fault(pointer, code, detail)] = None  # a dict: what two joints share is wrong once

    def _look_for_repeated_ids(self, name: str, ids: Sequence[str]) -> None:
        seen: set[str] = set()
        for number, id in enumerate(ids):
            if id in seen:
                self._fault(f"/{name}/{number}/id", "repeated-id", f"The id {id} stands twice.")
            seen.add(id)

    def _look_at_factor(self, factor: Factor, pointer: str) -> None:
        looked: set[str] = set()
        for joint, at_joint in factor.joints.items():
            here = f"{pointer}/joints/{joint}"
            feature = FEATURES.get(factor.feature_of(joint))
            if feature is None:
                self._fault(
                    f"{here if at_joint.feature else pointer}/feature", "unknown-feature", "No feature has this id."
                )
                continue
            own = f"{here}/bands" if at_joint.bands else f"{pointer}/bands"
            bands = factor.bands_of(joint)
            before = len(self.found)
            if own not in looked:
                looked.add(own)
                self._look_at_bands(factor, feature, bands, own)
            if len(self.found) == before and not any(fault.pointer.startswith(own) for fault in self.found):
                self.rulers.setdefault(factor.id, []).append((joint, make_ruler(feature, bands)))
                self._look_for_a_worse_band_that_lowers(factor, joint, own)
            self._look_at_weights(factor, joint, here, own)

    def _look_at_bands(self, factor: Factor, feature: Feature, bands: Sequence[Band], pointer: str) -> None:
        if (factor.worse_when == "later") == feature.is_number:
            self._fault(pointer, "wrong-direction", "'later' is for choices, 'higher' and 'lower' are for numbers.")
        self._look_at_edges(feature, bands, pointer)
        self._look_at_choices(feature, bands, pointer)
        if sum(band.reference for band in bands) != 1:
            self._fault(pointer, "reference", "Exactly one band is the reference.")
        if sum((band.share for band in bands), Decimal(0)) != 1:
            self._fault(pointer, "shares", "The shares of the bands must add up to 1.")

    def _look_at_edges(self, feature: Feature, bands: Sequence[Band], pointer: str) -> None:
        numeric = [(number, band, edge) for number, band in enumerate(bands) if (edge := edge_of(band)) is not None]
        if not feature.is_number:
            for number, _, _ in numeric:
                self._fault(f"{pointer}/{number}", "wrong-kind", "This feature answers choices, not numbers.")
        elif not numeric or numeric[0][1].from_ != feature.lowest:
            self._fault(pointer, "gap", f"The first numeric band must begin with 'from: {feature.lowest}'.")
        for (_, _, low), (number, _, high) in pairwise(numeric):
            if high <= low:
                self._fault(f"{pointer}/{number}", "overlap", "Numeric bands are listed by rising edge.")

    def _look_at_choices(self, feature: Feature, bands: Sequence[Band], pointer: str) -> None:
        choices = [(number, choice) for number, band in enumerate(bands) for choice in band.is_ or ()]
        named = [choice for _, choice in choices]
        for number, choice in choices:
            if choice not in feature.choices:
                self._fault(f"{pointer}/{number}/is", "unknown-choice", f"{feature.id} never answers this choice.")
            elif named.count(choice) > 1:
                self._fault(f"{pointer}/{number}/is", "overlap", "A choice belongs to one band.")
        missing = [choice for choice in feature.choices if choice not in named]
        if missing:
            self._fault(pointer, "gap", f"No band holds the choice {', '.join(missing)}.")

    def _look_for_a_worse_band_that_lowers(self, factor: Factor, joint: JointId, pointer: str) -> None:
        bands = factor.bands_of(joint)
        numbers = [number for number, band in enumerate(bands) if edge_of(band) is not None]
        only_choices = [number for number, band in enumerate(bands) if edge_of(band) is None]
        if factor.worse_when == "later":
            order = list(range(len(bands)))
        else:
            order = only_choices + (numbers if factor.worse_when == "higher" else numbers[::-1])
        signs = [self._doublings(factor, joint, bands[number]) for number in order]
        for (_, better), (number, worse) in pairwise(zip(order, signs, strict=True)):
            if worse < better:
                self._fault(f"{pointer}/{number}", "worse-lowers", "A worse band has fewer points than a better one.")

    @staticmethod
    def _doublings(factor: Factor, joint: JointId, band: Band) -> Decimal:
        at_joint = factor.joints[joint]
        parts = (effect_weight(effect, joint, at_joint) * effect.power * effect.ratio.ln() for effect in band.effects)
        return sum(parts, Decimal(0))

    def _look_at_weights(self, factor: Factor, joint: JointId, here: str, bands: str) -> None:
        at_joint = factor.joints[joint]
        ceiling = GRADE_CEILING[at_joint.grade]
        if at_joint.weight > ceiling:
            self._fault(f"{here}/weight", "above-ceiling", "The weight is above what its grade allows.")
        elif at_joint.weight < ceiling and not at_joint.reason:
            self._fault(f"{here}/reason", "missing-reason", "A weight below its grade's ceiling needs a reason.")
        for number, band in enumerate(factor.bands_of(joint)):
            for place, effect in enumerate(band.effects):
                where = f"{bands}/{number}/effects/{place}/weights"
                if at_joint.grade is None:
                    self._fault(where, "no-grade", "A factor without a grade for a joint carries no effect there.")
                if effect.weights.get(joint, Decimal(0)) > ceiling:
                    self._fault(where, "above-ceiling", "The weight is above what its grade allows.")
                for other in effect.weights:
                    if other not in factor.joints:
                        self._fault(where, "unknown-joint", "The factor does not act on this joint.")

    def _look_at_groups(self) -> None:
        for joint in JOINTS:
            groups: dict[str, list[tuple[int, Factor]]] = {}
            for number, factor in enumerate(self.document.factors):
                if joint in factor.joints and factor.joints[joint].grade is not None:
                    groups.setdefault(factor.group, []).append((number, factor))
            for members in groups.values():
                self._look_at_group(joint, members)

    def _look_at_group(self, joint: JointId, members: Sequence[tuple[int, Factor]]) -> None:
        first = members[0][0]
        signs = {
            doublings > 0
            for _, factor in members
            for band in factor.bands_of(joint)
            if (doublings := self._doublings(factor, joint, band))
        }
        if len(signs) > 1:
            self._fault(
                f"/factors/{first}/group", "mixed-group", f"For {joint}, the group holds risks and protections."
            )
        rows = prod(
            len(ruler.sets(FEATURES[ruler.feature]))
            for _, factor in members
            for at, ruler in self.rulers[factor.id]
            if at == joint
        )
        if rows > ENTRIES_MAX:
            self._fault(
                f"/factors/{first}/group", "too-many", f"For {joint}, the group's table passes {ENTRIES_MAX} entries."
            )

    def _look_at_conditions(self) -> None:
        for name in ("advice", "flags", "benefits"):
            for number, part in enumerate(getattr(self.document, name)):
                for field in ("when", "not_when"):
                    for place, condition in enumerate(getattr(part, field, ())):
                        self._look_at_condition(condition, f"/{name}/{number}/{field}/{place}")
        for number, advice in enumerate(self.document.advice):
            for id, label in advice.sets.items():
                self._look_at_labels(id, None, [label], f"/advice/{number}/sets/{id}", words=("reference",))

    def _look_at_condition(self, condition: Condition, pointer: str) -> None:
        for place, part in enumerate(condition.all_ or ()):
            self._look_at_condition(part, f"{pointer}/all/{place}")
        if condition.flag is not None and condition.flag not in self.flags:
            self._fault(f"{pointer}/flag", "unknown-flag", "No flag has this id.")
        if condition.flag is not None and pointer.startswith("/flags"):
            self._fault(f"{pointer}/flag", "wrong-kind", "A flag is not derived from another flag.")
        if condition.factor is not None:
            self._look_at_labels(condition.factor, condition.joint, condition.in_ or [], pointer)
        if condition.feature is None:
            return
        feature = FEATURES.get(condition.feature)
        if feature is None:
            self._fault(f"{pointer}/feature", "unknown-feature", "No feature has this id.")
        elif condition.is_ is None and not feature.is_number:
            self._fault(pointer, "wrong-kind", "This feature answers choices, not numbers.")
        elif not set(condition.is_ or ()) <= set(feature.choices):
            self._fault(f"{pointer}/is", "unknown-choice", f"{feature.id} never answers one of these choices.")

    def _look_at_labels(
        self,
        id: str,
        joint: JointId | None,
        labels: Iterable[str],
        pointer: str,
        *,
        words: Sequence[str] = ("reference", "raised"),
    ) -> None:
        if id not in self.factors:
            self._fault(pointer, "unknown-factor", "No factor has this id.")
            return
        if joint is not None and joint not in self.factors[id].joints:
            self._fault(f"{pointer}/joint", "unknown-joint", "The factor does not act on this joint.")
        for at, ruler in self.rulers.get(id, ()):
            if joint in (None, at):
                known = {*ruler.labels, *words}
                for label in labels:
                    if label not in known:
                        self._fault(pointer, "unknown-band", f"The factor's bands are {'; '.join(ruler.labels)}.")

    def _look_at_levels(self) -> None:
        cuts = self.document.levels.cuts
        if cuts[0].from_ != 0:
            self._fault("/levels/cuts/0/from", "gap", "The first level begins at 0.")
        for number, (low, high) in enumerate(pairwise(cuts), start=1):
            if high.from_ <= low.from_:
                self._fault(f"/levels/cuts/{number}/from", "overlap", "Levels are listed by rising cut.")
        self._look_for_repeated_ids("levels/cuts", [cut.id for cut in cuts])

    def _look_at_names(self) -> None:
        document = self.document
        named: list[tuple[str, Sequence[str]]] = [("/rates/sources", document.rates.sources)]
        named += [
            (f"/factors/{n}/evidence/sources", factor.evidence.sources) for n, factor in enumerate(document.factors)
        ]
        for name in ("advice", "flags", "benefits"):
            named += [(f"/{name}/{n}/sources", part.sources) for n, part in enumerate(getattr(document, name))]
        for pointer, ids in named:
            for place, id in enumerate(ids):
                if id not in document.sources:
                    self._fault(f"{pointer}/{place}", "unknown-source", "No source has this id.")
        for where, joints in (
            ("/rates/first_year/joints", document.rates.first_year.joints),
            ("/rates/experienced/joints", document.rates.experienced.joints),
            ("/texts/joints", document.texts.joints),
        ):
            for joint in JOINTS:
                if joint not in joints:
                    self._fault(where, "missing", f"Nothing is said of {joint}.")
        self._look_at_benefits()

    def _look_at_benefits(self) -> None:
        for number, benefit in enumerate(self.document.benefits):
            for place, id in enumerate(benefit.numbers):
                if id not in FEATURES or not FEATURES[id].is_number:
                    self._fault(
                        f"/benefits/{number}/numbers/{place}", "unknown-feature", "No numeric feature has this id."
                    )
            for text in benefit.text.values():
                if not set(_PLACEHOLDER.findall(text)) <= set(benefit.numbers):
                    self._fault(
                        f"/benefits/{number}/text", "unknown-placeholder", "A {name} in the text is not in 'numbers'."
                    )

    def _look_at_texts(self) -> None:
        def look(text: Text | None, pointer: str) -> None:
            if text is not None and "en" not in text:
                self._fault(pointer, "missing-language", "Every text exists in English.")

        document = self.document
        for name in ("factors", "advice", "flags", "benefits"):
            for number, part in enumerate(getattr(document, name)):
                for field in ("title", "text", "action", "question", "limits"):
                    look(getattr(part, field, None), f"/{name}/{number}/{field}")
        for number, cut in enumerate(document.levels.cuts):
            look(cut.headline, f"/levels/cuts/{number}/headline")
        for field in ("notice", "headline_not_assessed", "finding_first_year"):
            look(getattr(document.texts, field), f"/texts/{field}")
        for joint, name_of_joint in document.texts.joints.items():
            look(name_of_joint, f"/texts/joints/{joint}")
        look(document.rates.first_year.title, "/rates/first_year/title")
        look(document.rates.experienced.title, "/rates/experienced/title")
        look(document.rates.unknown_experience_title, "/rates/unknown_experience_title")
