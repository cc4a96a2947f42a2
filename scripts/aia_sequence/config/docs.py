"""The table of all options in config/README.md, made from the schema by `make config-docs`."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aia_sequence.config.schema import properties, resolved, schema

BEGIN, END = "<!-- options: made by `make config-docs` -->", "<!-- end of options -->"


def options(part: Mapping[str, Any] | None = None, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every option of the schema, such as `block` or `events[].slits.NAME.at`, with what is said of it."""
    part = resolved(part or schema())
    required = part.get("required", ())
    for name, described in sorted(properties(part).items(), key=lambda option: option[0] not in required):
        described = {**resolved(described), "needed": name in required}
        key = f"{prefix}{name}"
        yield key, described
        if key == "defaults":
            continue  # the options of an event, which follow
        yield from options(described, f"{key}.")
        if isinstance(named := described.get("additionalProperties"), Mapping):
            yield from options(named, f"{key}.NAME.")
        for branch in map(resolved, described.get("oneOf", [])):
            yield from options(branch, f"{key}.")
            if "items" in branch:
                yield from options(branch["items"], f"{key}[].")


def table() -> str:
    """Markdown table: option, what it is, what is allowed, default."""
    lines = ["| option | meaning | allowed | default |", "| --- | --- | --- | --- |"]
    for key, described in options():
        default = f"`{json.dumps(described['default'], ensure_ascii=False)}`" if "default" in described else ""
        if default == "`{}`" and described.get("properties"):
            default = ""
        default = "required" if described["needed"] else default
        text = " ".join(described.get("description", "").split())
        lines.append(f"| `{key}` | {_cell(text)} | {_cell(allowed(described))} | {_cell(default)} |")
    return "\n".join(lines)


def allowed(described: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    if "const" in described:
        return f"`{described['const']}`"
    if "oneOf" in described:
        return " or ".join(allowed(resolved(branch)) for branch in described["oneOf"])
    types = described.get("type", [])
    words = [NAMES.get(name, name) for name in ([types] if isinstance(types, str) else types) if name != "null"]
    text = " or ".join(words)
    if "array" in (types if isinstance(types, list) else [types]) and "items" in described:
        count = f"{described['minItems']} of " if described.get("minItems") == described.get("maxItems", 0) else ""
        text = text.replace("list", f"list of {count}{allowed(resolved(described['items']))}")
    bounds = [
        f"{word} {described[name]:g}"
        for name, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
        if name in described
    ]
    return f"{text} {' '.join(bounds)}".strip()


NAMES = {"object": "mapping", "array": "list", "string": "text", "boolean": "true or false", "integer": "whole number"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def update(text: str) -> str:
    """Put the table into a text, between its two marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(update(path.read_text(encoding="utf-8")), encoding="utf-8")
