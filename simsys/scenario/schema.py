"""The JSON Schema of scenarios: for editors, and for the nearest right word of an unknown key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from simsys.scenario.knobs import grammar
from simsys.scenario.model import Scenario
from simsys.scenario.paths import Path
from simsys.strategies import find, forms, names, stores

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


@cache
def scenario_schema() -> Schema:
    """The schema of a scenario file, with every strategy there is and its knobs."""
    knobs = {name: grammar(cls()) for name in names() if (cls := find(name)) is not None}
    models = [(model, "validation") for model in (Scenario, *knobs.values())]
    links, root = models_json_schema(models, by_alias=True)  # type: ignore[arg-type]
    definitions: Schema = root["$defs"]
    definitions["Form"] = _form()
    _allow_plain_services(definitions)
    named: Schema = {name: {"anyOf": [links[model, "validation"], {"type": "null"}]} for name, model in knobs.items()}
    named["flow"] = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"},
            "keeps": {"type": "object", "additionalProperties": _store()},
        },
        "additionalProperties": {"type": "array", "items": {"$ref": "#/$defs/Form"}},
    }
    scenario: Schema = definitions.pop("Scenario")
    scenario["properties"]["strategies"] = {
        "type": "array",
        "minItems": 1,
        "description": "the designs to compare",
        "items": {"anyOf": [{"enum": list(knobs)}, *(_one(name, schema) for name, schema in named.items())]},
    }
    scenario["required"] = ["load", "strategies"]
    return {"$schema": DRAFT, "title": "simsys scenario", **scenario, "$defs": definitions}


def allowed(path: Path) -> set[str]:
    """The keys that a mapping at a path may have, as far as they are fixed."""
    schemas = [scenario_schema()]
    for step in path:
        schemas = [inner for schema in schemas for option in _options(schema) for inner in _inside(option, step)]
    return {key for schema in schemas for option in _options(schema) for key in option.get("properties", {})}


def _allow_plain_services(definitions: Schema) -> None:
    """A service may be written as one plain duration or distribution."""
    service = definitions["Service"]
    plain = service["properties"]["per_item"]["anyOf"]
    definitions["Service"] = {"anyOf": [service, *(option for option in plain if option != {"type": "null"})]}


def _one(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def _form() -> Schema:
    """A form of a flow: one word of the vocabulary and what goes with it."""
    words: dict[str, Schema] = {}
    for word, (fields, _) in forms.FORMS.items():
        words |= {word: {}} | {field: {} for field in fields if field not in words}
    return {"type": "object", "minProperties": 1, "properties": words, "additionalProperties": False}


def _store() -> Schema:
    """What a flow keeps."""
    return {"type": "object", "properties": {word: {} for word in stores.WORDS}, "additionalProperties": False}


def _options(schema: Schema) -> Iterator[Schema]:
    """The schema itself, or whatever it refers to or offers."""
    if "$ref" in schema:
        yield from _options(scenario_schema()["$defs"][schema["$ref"].rpartition("/")[2]])
    for word in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(word, ()):
            yield from _options(option)
    yield schema


def _inside(schema: Schema, step: str) -> Iterable[Schema]:
    if step in schema.get("properties", {}):
        return [schema["properties"][step]]
    inner = [
        *schema.get("patternProperties", {}).values(),
        schema.get("additionalProperties"),
        schema.get("items"),
    ]
    return [child for child in inner if isinstance(child, dict)]
