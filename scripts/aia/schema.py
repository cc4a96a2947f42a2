"""The schema of the configuration: what is allowed, what the defaults are, and errors of it in words."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

SCHEMA = Path(__file__).parents[2] / "config" / "config.schema.yaml"


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Read the schema of the configuration."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def explain(error: Any) -> Iterator[str]:
    """Put a schema error into one line: the key, the value, what is allowed."""
    if error.validator == "oneOf" and error.context:
        wanted = "array" if isinstance(error.instance, list) else "string"
        branch = [sub for sub in error.context if error.validator_value[sub.schema_path[0]].get("type") == wanted]
        if branch:
            for sub in branch:
                yield from explain(sub)
            return
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    prefix = f"{key}: " if key else ""
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties":
            allowed = sorted(properties(error.schema))
            for name in sorted(set(error.instance) - set(allowed)):
                yield f"{prefix}unknown key {name!r}; allowed are {', '.join(allowed)}"
        case "enum":
            yield f"{prefix}{error.instance!r} is not allowed; allowed are {', '.join(map(str, error.validator_value))}"
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield f"{prefix}{', '.join(missing)} missing"
        case "type":
            yield f"{prefix}{error.instance!r} is not of type {_types(error.validator_value)}"
        case "pattern" if "description" in error.schema and not key.endswith("name"):
            yield f"{prefix}{error.instance!r} is not possible; wanted is: {error.schema['description']}"
        case "pattern":
            yield f"{prefix}{error.instance!r} is not a valid name; allowed are letters, digits and . _ + -"
        case _:
            yield f"{prefix}{error.message}"


def _types(types: str | list[str]) -> str:
    return " or ".join([types] if isinstance(types, str) else types)


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
