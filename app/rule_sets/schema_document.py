"""The JSON Schema of a rule-set document, for editors and for validators that are not ours.

It describes what authors write, so it knows the shorthands that the model unfolds: a text for a map of languages, one
choice for a list, one effect written into its band. It promises no more than shape; `documents.check_document` decides.

Run it as `python -m app.rule_sets.schema_document FILE`.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BeforeValidator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from app.scoring.rule_set import Band, Choices, Effect, RuleSetDocument, Text

SCHEMA_ID: Final = "urn:joint-risk:rule-set:1"


def derive_schema() -> JsonSchemaValue:
    """The schema (draft 2020-12) of a document as its author writes it."""
    derived = RuleSetDocument.model_json_schema(schema_generator=_AuthoredSchema)
    _let_one_effect_stand_in_its_band(derived["$defs"])
    # What a reader needs first stands first.
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": SCHEMA_ID,
        "title": "Joint-risk rule set",
        "description": derived.pop("description"),
        **{name: member for name, member in derived.items() if name != "title"},
    }


def write_schema(file: Path) -> None:
    """Writes the schema; the same release writes the same bytes."""
    text = json.dumps(derive_schema(), indent=2, ensure_ascii=False)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _unfolder_of(annotated: Any) -> Any:
    """The function that unfolds the shorthand of one of the model's types."""
    return next(part.func for part in get_args(annotated) if isinstance(part, BeforeValidator))


class _AuthoredSchema(GenerateJsonSchema):
    """A schema of what goes into the model's validators, where pydantic describes what comes out of them."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number is written as a number: a text that looks like one is refused."""
        written: JsonSchemaValue = {"type": "number"}
        self.update_with_validations(written, schema, self.ValidationsMapping.numeric)
        return written

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Where names have a form, names of another form are refused."""
        written = super().dict_schema(schema)
        return {**written, "additionalProperties": False} if "patternProperties" in written else written

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Beside the full form stands the short one."""
        full = super().function_before_schema(schema)
        unfold = schema["function"]["function"]
        if unfold is _unfolder_of(Text):
            english = {"type": "string", "minLength": 1, "description": "The English text, for short."}
            return {"anyOf": [english, {**full, "minProperties": 1, "description": "The text by language."}]}
        if unfold is _unfolder_of(Choices):
            return {"anyOf": [full["items"], {**full, "minItems": 1}]}
        return full


def _let_one_effect_stand_in_its_band(definitions: dict[str, JsonSchemaValue]) -> None:
    band, effect = definitions[Band.__name__], definitions[Effect.__name__]
    short = {name: member for name, member in effect["properties"].items() if name not in band["properties"]}
    band["properties"] |= short
    band["dependentRequired"] = {
        name: [other for other in effect["required"] if other != name] if name == "ratio" else ["ratio"]
        for name in short
    }


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
