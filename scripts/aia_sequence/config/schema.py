"""The schema of the configuration: what is allowed, what the defaults are, and errors of it in words."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from aia_sequence.errors import suggestion

SCHEMA = Path(__file__).with_name("config.schema.yaml")

WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}
WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
LARGEST_NUMBER = 1e15  # beyond any time, length or brightness; NaN is not below it


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Read the schema of the configuration."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def explain(error: Any) -> Iterator[str]:
    """Put a schema error into one line: the key, the value, what is allowed, and what was perhaps meant."""
    if error.validator == "oneOf" and error.context:
        branches = [sub for sub in error.context if _wants(error.validator_value[sub.schema_path[0]], error.instance)]
        if branches:
            for sub in branches:
                yield from explain(sub)
            return
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    prefix, found = f"{key}: " if key else "", shown(error.instance)
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties":
            allowed = sorted(properties(error.schema))
            for name in sorted(set(error.instance) - set(allowed), key=str):
                yield f"{prefix}unknown key {name!r}; {suggestion(name, allowed)}"
        case "enum":
            yield f"{prefix}{found} is not allowed; {suggestion(error.instance, error.validator_value)}"
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield f"{prefix}{', '.join(missing)} missing"
        case "type":
            yield f"{prefix}{_of_another_type(error)}"
        case "oneOf":
            wanted = " or ".join(map(_wanted, error.validator_value))
            yield f"{prefix}{found} is not possible; wanted is {wanted}{_dash(error.instance, error.validator_value)}"
        case "pattern" if error.schema.get("minLength") and not error.instance:
            pass  # it is told that it is empty
        case "pattern" if key.endswith("name") and key.startswith("archive"):
            yield f"{prefix}{found} is not a valid name; allowed are small letters, digits, _ and -, a letter first"
        case "pattern" if key.endswith("name"):
            yield f"{prefix}{found} is not a valid name; allowed are letters, digits and . _ + -"
        case "pattern" if "description" in error.schema:
            yield f"{prefix}{found} is not possible; wanted is: {error.schema['description']}"
        case "pattern" if "x1f" in error.validator_value:
            yield f"{prefix}{found} is not possible; wanted is one line of text"
        case "maxLength":
            yield f"{prefix}{found} has {len(error.instance)} characters; allowed are {error.validator_value}"
        case "minLength" | "minItems" if not error.instance:
            yield f"{prefix}{found} is empty"
        case "minItems" | "maxItems":
            yield f"{prefix}{found} has {len(error.instance)} items; allowed are {_count(error.schema)}"
        case "uniqueItems":
            yield f"{prefix}{found} names something twice"
        case "minimum" | "maximum" | "exclusiveMinimum":
            words = {"minimum": "from", "maximum": "up to", "exclusiveMinimum": "above"}
            yield f"{prefix}{found} is out of range; allowed is {words[error.validator]} {error.validator_value:g}"
        case _:
            yield f"{prefix}{found} is not allowed: {error.message[-200:]}"


def shown(value: Any) -> str:
    """A value as the configuration has it, of moderate length."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def from_text(text: str, part: Mapping[str, Any]) -> Any:
    """A text as the number, boolean or null that it means, where the schema knows no text; else the text itself.

    `snakemake --config 'export={connections: 4}'` gives all that lies within brackets as text, and `true`, too.
    """
    part = resolved(part)
    for branch in part.get("oneOf", ()):
        found = from_text(text, branch)
        if Draft202012Validator({**branch, "$defs": schema()["$defs"]}).is_valid(found):
            return found
    if "enum" in part or "const" in part:
        # What is not among them is refused by the schema, and shown as it was written.
        return next((value for value in part.get("enum", [part.get("const")]) if str(value) == text), text)
    types = types_of(part)
    if "string" in types:
        return text
    if "boolean" in types and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if "null" in types and text.lower() in ("null", "~", ""):
        return None
    if {"integer", "number"} & set(types) and WHOLE.fullmatch(text):
        return int(text)
    if "number" in types and NUMBER.fullmatch(text):
        return float(text)
    return text


def typed(value: Any, part: Mapping[str, Any]) -> Any:
    """A configuration whose texts and whole numbers have the types that the schema gives their keys.

    Parameters
    ----------
    value
        Plain values, valid or not; what cannot be of its type is left for the schema to refuse.
    part
        The schema of it.
    """
    part = resolved(part)
    if isinstance(value, dict):
        further = part.get("additionalProperties")
        further = further if isinstance(further, dict) else {}
        return {name: typed(item, properties(part).get(name, further)) for name, item in value.items()}
    if isinstance(value, list):
        lists = [branch for branch in map(resolved, part.get("oneOf", ())) if "items" in branch]
        items = (lists or [part])[0].get("items", {})
        return [typed(item, items) for item in value]
    if isinstance(value, str):
        return from_text(value, part)
    if isinstance(value, float) and value.is_integer() and ("enum" in part or "number" not in types_of(part)):
        return int(value)
    return value


def unusable(value: Any, key: str = "") -> Iterator[str]:
    """Numbers and keys that no part of a configuration can have, a line each: NaN, infinity, keys that are no text."""
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(name, str):
                yield from unusable(item, f"{key}.{name}".lstrip("."))
            else:
                yield f"{key + ': ' if key else ''}the key {shown(name)} is no text; put it in quotes"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from unusable(item, f"{key}[{number}]")
    elif isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:
        yield f"{key}: {shown(value)} is not a number that can be used"
    elif not isinstance(value, str | int | float | None):
        yield f"{key}: {shown(value)} is neither text nor number; put it in quotes"


def types_of(part: Mapping[str, Any]) -> list[str]:
    """Types that a part of the schema allows."""
    types = part.get("type", [])
    return [types] if isinstance(types, str) else types


def _wanted(part: Mapping[str, Any]) -> str:
    part = resolved(part)
    return repr(part["const"]) if "const" in part else _in_words(part)


def _in_words(part: Mapping[str, Any]) -> str:
    return " or ".join(WORDS[name] for name in types_of(part) if name != "null")


def _wants(part: Mapping[str, Any], value: Any) -> bool:
    """Whether a branch of the schema is for values of this kind, so that its errors are those to tell."""
    types = types_of(resolved(part))
    kinds: dict[str, type | tuple[type, ...]] = {
        "array": list,
        "string": str,
        "object": dict,
        "integer": int,
        "number": (int, float),
    }
    return any(isinstance(value, kinds[name]) for name in types if name in kinds) and not isinstance(value, bool)


def _dash(value: Any, branches: Iterable[Mapping[str, Any]]) -> str:
    """What to do about a list of mappings that lacks its dashes."""
    of_mappings = any(resolved(resolved(branch).get("items", {})).get("type") == "object" for branch in branches)
    return ". Begin each item with a dash: `- name: …`" if isinstance(value, dict) and of_mappings else ""


def _of_another_type(error: Any) -> str:
    """A value that is not of its type, and how one is written that is."""
    value, types, part = error.instance, types_of(error.schema), resolved(error.schema)
    wanted = _in_words(error.schema)
    said = f"{shown(value)} is not {wanted}" if value is not None else f"has no value; wanted is {wanted}"
    if isinstance(value, bool) and "string" in types:
        return f"{said}; YAML reads off, no, on and yes as true or false: put it in quotes"
    if isinstance(value, int | float) and "string" in types:
        return f'{said}; put it in quotes: "{value}"'
    if "array" in types and isinstance(value, str | int | float):
        return f"{said}; write a list, such as [{value}]"
    if "boolean" in types:
        return f"{said}; write true or false, without quotes"
    if "object" in types and part.get("properties"):
        return f"{said}; its keys are {', '.join(sorted(properties(part)))}"
    return said


def _count(part: Mapping[str, Any]) -> str:
    low, high = part.get("minItems"), part.get("maxItems")
    return f"{low}" if low == high else f"{low or 0} to {high or 'any number'}"


def resolved(part: Mapping[str, Any]) -> dict[str, Any]:
    """A schema part with its reference, if it has one, merged in."""
    if "$ref" not in part:
        return dict(part)
    target: Any = schema()
    for step in part["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    target = resolved(target)
    return {**target, **part, "properties": {**target.get("properties", {}), **part.get("properties", {})}}


def properties(part: Mapping[str, Any]) -> dict[str, Any]:
    """Described keys of a schema part, its reference followed."""
    return resolved(part).get("properties", {})


def with_defaults(value: Any, part: Mapping[str, Any]) -> Any:
    """Fill the schema's defaults into a valid value."""
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, described in properties(part).items():
        described = resolved(described)
        if name not in filled and "default" in described:
            filled[name] = described["default"]
        if name in filled:
            filled[name] = with_defaults(filled[name], described)
    return filled
