"""Rule sets in files: a document as an author writes it, its canonical form, or a version as the service answers it."""

from pathlib import Path
from typing import Any, NamedTuple, cast

from app.errors import Fault, InvalidRuleSetError, UnreadableFileError
from app.rule_sets.documents import canonical_bytes, check_document, digest_of, read_document
from app.scoring.compiled import CompiledRuleSet, MinEvidence, compile_rule_set
from app.scoring.rule_set import RuleSetDocument

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


def read_rules_file(path: str) -> RulesFile:
    """Reads rules in YAML or JSON; a document, or an object with `version` and `document`.

    Raises:
        UnreadableFileError: there is no such file, or it may not be read.
        InvalidRuleSetError: it holds no rule set; every fault is named.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as failure:
        raise UnreadableFileError(path) from failure
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
