"""Rule sets in files: a document as an author writes it, its canonical form, a version as the service answers it, or a
bundle as `rules export` writes it."""

from pathlib import Path
from typing import Any, NamedTuple, cast

from app.errors import Fault, InvalidRuleSetError, UnknownRuleSetError, UnreadableFileError
from app.rule_sets.bundle import read_bundle
from app.rule_sets.documents import canonical_bytes, check_document, digest_of, read_document
from app.scoring.compiled import CompiledRuleSet, MinEvidence, compile_rule_set
from app.scoring.rule_set import RuleSetDocument

_BUNDLE = b'"joint_risk_bundle"'
UNPUBLISHED = "unpublished"
"""What rules are called whose file does not say under which version they were published."""


class RulesFile(NamedTuple):
    """The rules that a file holds.

    Attributes:
        version: as the file says; None for a document by itself, which does not know its version.
        digest: of the document, never the one that the file claims.
    """

    version: str | None
    digest: str
    document: RuleSetDocument

    def compiled(self, *, version: str | None = None, min_evidence: MinEvidence | None = None) -> CompiledRuleSet:
        """The rules ready to score, under this version or else the file's own."""
        named = version or self.version or UNPUBLISHED
        return compile_rule_set(self.document, version=named, digest=self.digest, min_evidence=min_evidence)


def _read_bundled(path: Path, version: str | None) -> RulesFile:
    bundle = read_bundle(path)
    if version is None:
        held = bundle.versions(limit=2)
        if len(held) != 1:
            raise UnknownRuleSetError("")
        version = held[0].version
    published = bundle.version(version)
    return RulesFile(version, published.digest, RuleSetDocument.model_validate(published.document))


def read_rules_file(path: str, *, version: str | None = None) -> RulesFile:
    """Reads rules in YAML or JSON; a document, an object with `version` and `document`, or a bundle.

    Args:
        version: which of a bundle's versions; one that holds a single version needs no telling.

    Raises:
        UnreadableFileError: there is no such file, or it may not be read.
        InvalidRuleSetError: it holds no rule set; every fault is named.
        UnusableFileError: it begins as a bundle and is none.
        UnknownRuleSetError: the bundle does not hold the version, or holds several and none was told.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as failure:
        raise UnreadableFileError(path) from failure
    if _BUNDLE in raw:
        return _read_bundled(Path(path), version)
    # What begins with a brace may still be YAML; JSON is tried first because it alone can be read as JSON.
    is_json = raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    told: dict[str, Any] = read_document(raw, media_type="application/json" if is_json else "application/yaml")
    version = told.get("version")
    if isinstance(told.get("document"), dict) and "factors" not in told:
        told = told["document"]
    else:
        version = None
    faults = check_document(told)
    if version is not None and not isinstance(version, str):
        faults.append(Fault("/version", "wrong-kind", "Text belongs here; quote it if it looks like something else."))
    if faults:
        raise InvalidRuleSetError(faults)
    canonical = canonical_bytes(told)
    return RulesFile(cast("str | None", version), digest_of(canonical), RuleSetDocument.model_validate(told))
