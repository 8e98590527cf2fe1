"""A service with people who write, publish and activate rule sets, each with a key of their own."""

import json
from typing import Any

import httpx
import yaml

from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.rule_sets.ledgers import Publication
from tests.api.keyring import Key, Keyring
from tests.api.service import Service, example

DRAFT = "/v1/rule-set-drafts/spring"
YAML = {"content_type": "application/yaml"}
JSON = {"Content-Type": "application/json"}


def document(notice: str = "Rules for this test.") -> dict[str, Any]:
    told: dict[str, Any] = published_document("2026.1")
    told["texts"]["notice"] = notice
    return told


def as_yaml(told: object) -> bytes:
    written: str = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    return f"# as its author wrote it\n{written}".encode()


class Desk:
    """A service, and people with keys of their own."""

    def __init__(self, service: Service, ring: Keyring) -> None:
        self.service = service
        self.ann = ring.make("rules:write", "rules:read", owner="ann")
        self.bob = ring.make("rules:write", "rules:publish", owner="bob")
        self.cleo = ring.make("rules:activate", "rules:read", "score", owner="cleo")
        service.look_at_store()

    def ask(self, who: Key, method: str, path: str, **call: Any) -> httpx.Response:
        headers = {**who.header, **call.pop("headers", {})}
        return self.service.ask(method, path, headers=headers, **call)

    def tell(self, who: Key, path: str, *, headers: dict[str, str] | None = None, **told: Any) -> httpx.Response:
        return self.ask(who, "POST", path, content=json.dumps(told), headers={**JSON, **(headers or {})})

    def save(self, body: bytes | None = None, *, who: Key | None = None, path: str = DRAFT, **headers: str) -> Any:
        content = as_yaml(document()) if body is None else body
        named = {name.replace("_", "-"): told for name, told in {**YAML, **headers}.items()}
        return self.ask(who or self.ann, "PUT", path, content=content, headers=named)

    def publish(self, version: str = "2026.2", *, who: Key | None = None, path: str = DRAFT, **told: Any) -> Any:
        return self.tell(who or self.bob, f"{path}:publish", version=version, reason="New evidence.", **told)

    def have(self, *versions: str) -> None:
        """Published versions, each with a document of its own; checked by nobody, which takes seconds."""
        for version in versions:
            canonical = canonical_bytes(document(f"Rules {version}."))
            publication = Publication(version, digest_of(canonical), canonical, "bob", ("ann",), "New evidence.")
            assert self.service.app.state.ledgers.publish(publication).outcome == "published"

    def activate(self, version: str, *, headers: dict[str, str] | None = None, **told: Any) -> httpx.Response:
        return self.tell(self.cleo, f"/v1/rule-sets/{version}:activate", headers=headers, reason="Reviewed.", **told)

    def activations(self, query: str = "") -> Any:
        answer = self.ask(self.ann, "GET", f"/v1/rule-sets/activations{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def scored_by(self, query: str = "") -> str:
        answer = self.service.score(example(), f"/v1/scores{query}", headers=self.cleo.header)
        assert answer.status_code == 200, answer.text
        version: str = answer.json()["rule_set"]["version"]
        return version
