"""Configuration files: what keeps one from being read, in a sentence, and on which line a key stands.

Snakemake reads the files and merges them; it does not say where in a file something is wrong.
"""

import json
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from aia_sequence.errors import ConfigError

LARGEST = 16_000_000  # bytes; 10,000 events written out have a sixth of it
MOST_VALUES = 1_000_000  # aliases counted as often as they are used
DEEPEST = 50  # the schema knows five levels

# Of libyaml's words, those that say little to whoever indents a line wrongly or forgets a quote.
PLAIN_WORDS = {
    r"\btab\b": "a tab; indent with blanks",
    r"comment or line break": "a text that begins with > or | needs quotes",
    r"did not find expected ('-' indicator|key)": "the indentation does not fit the lines above, or a dash is missing",
    r"mapping values are not allowed": "a colon where none can be; a text with a colon needs quotes, and the keys of a "
    "mapping the same indentation",
    r"end of stream|'[,}\]]'": "a quote or a bracket is not closed",
    r"could not find expected ':'": "a key without a colon, or a text that needs quotes",
    r"cannot start any token": "a character that cannot begin a value; put the text in quotes",
}
UNCLOSED = re.compile(r"end of stream|'[,}\]]'")
# What a line of a ConfigError begins with: `events[0] (name): where.EXPTIME: …`, `events[0]: unknown key 'x'…`.
KEY = r"[a-z]\w*[\w.\[\]]*"
PLACE = re.compile(rf"({KEY})(?: \([^()]*\))?(?:: (?:unknown key '(.*?)'|({KEY})))?")


def refuse(error: ConfigError | str) -> NoReturn:
    """Say what is wrong with a configuration, a line each, and end.

    An exception would be shown with Snakemake's own file and line, and with a part of its traceback.
    """
    report(error)
    raise SystemExit(1)


def report(error: ConfigError | str) -> None:
    """Say what is wrong with a configuration, a line each."""
    for line in str(error).splitlines():
        sys.stderr.write(f"{line}\n" if line.startswith(" ") else f"error: {line}\n")


def check_file(path: str | Path) -> None:
    """Make sure that a file can be read as a configuration.

    Raises
    ------
    ConfigError
        If it is no regular file, too large, no YAML or JSON, or no mapping; the file, the line, and what is wrong.
    """
    text = read_text(path, f"{path}: the configuration")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        pass
    else:
        check_values(value, str(path))
        if isinstance(value, dict):
            return
    root = _tree(text, path)
    if root is None or root.kind != "mapping":
        raise ConfigError(f"{path}: a configuration is a mapping, such as `events: …`; this file holds none")
    _check_size(root, lambda node: node.children, str(path))
    for key, line, earlier in _repeated(root):
        raise ConfigError(f"{path}, line {line}: {key!r} is given a second time; the first is on line {earlier}")


def read_text(path: str | Path, what: str) -> str:
    """Text of a regular file of a size that a person could have written.

    Raises
    ------
    ConfigError
        If it cannot be read; `what` says what was to be read from it.
    """
    path = Path(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ConfigError(f"{what} cannot be read: it is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{what} cannot be read: it is a pipe or a device; save it as a file")
        if status.st_size > LARGEST:
            raise ConfigError(f"{what} has {status.st_size / 1e6:.0f} MB; allowed are {LARGEST / 1e6:.0f}")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{what} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{what} is not a text file in UTF-8") from None


def check_values(value: Any, what: str = "the configuration") -> None:
    """Make sure that a configuration is a tree that can be copied: no value within itself, none a million times.

    Raises
    ------
    ConfigError
        If it is not; `what` is the subject of the sentence.
    """

    def below(value: Any) -> Iterable[Any]:
        return value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()

    _check_size(value, below, what)


class Lines:
    """Where the keys of a configuration stand in its files.

    Parameters
    ----------
    paths
        The files that were merged; what a later one says counts. Those that cannot be read are left out.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self._paths = list(paths)
        self._roots: list[tuple[str | Path, _Node]] | None = None

    def located(self, line: str) -> str:
        """The line of an error or of a warning with file and line in front, where they are known."""
        found = PLACE.match(line)
        if not found or re.match(r".*?, line \d+\b", line, re.ASCII):  # a catalogue's has its own
            return line
        steps, further = _steps(found[1]), [found[2]] if found[2] else _steps(found[3] or "")
        place = self._find([*steps, *further], 1)
        if place and place[2] == len(steps) and further and not found[2]:
            place = self._find(["defaults", *further], 2) or place
        return f"{place[0]}, line {place[1]}: {line}" if place else line

    def _find(self, steps: list[str | int], least: int) -> tuple[str | Path, int, int] | None:
        """File, line, and how many of the steps lead there, at least as many as are wanted."""
        if self._roots is None:
            self._roots = list(self._read())
        best = None
        for path, root in self._roots:
            node, line, depth = root, 0, 0
            for step in steps:
                below = _below(node, step)
                if below is None:
                    break
                (line, node), depth = below, depth + 1
            if depth >= least and (best is None or depth >= best[2]):
                best = path, line, depth
        return best

    def _read(self) -> Iterator[tuple[str | Path, "_Node"]]:
        for path in self._paths:
            try:
                root = _tree(read_text(path, str(path)), path)
            except ConfigError:
                continue
            if root is not None:
                yield path, root


@dataclass
class _Node:
    """A value of a YAML file: its kind, the line (from 1) where it begins, and the values in it, keys included."""

    kind: str
    line: int
    text: str = ""
    children: list["_Node"] = field(default_factory=list)


def _steps(key: str) -> list[str | int]:
    return [int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", key)]


def _pairs(node: _Node) -> Iterator[tuple[_Node, _Node]]:
    return zip(node.children[::2], node.children[1::2], strict=True)


def _below(node: _Node, step: str | int) -> tuple[int, _Node] | None:
    """The line at which a key or an item of a list begins, and its value."""
    if node.kind == "mapping":
        return next(((key.line, value) for key, value in _pairs(node) if key.text == str(step)), None)
    if node.kind == "list" and isinstance(step, int) and step < len(node.children):
        return node.children[step].line, node.children[step]
    return None


def _repeated(root: _Node) -> Iterator[tuple[str, int, int]]:
    """Keys that a mapping has twice, of which YAML would drop the first: key, line, the earlier line."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        lines: dict[str, int] = {}
        for key, _ in _pairs(node) if node.kind == "mapping" else ():
            if key.kind == "scalar" and lines.setdefault(key.text, key.line) != key.line:
                yield key.text, key.line, lines[key.text]
        waiting += node.children


def _check_size(root: Any, below: Any, what: str) -> None:
    """Refuse what lies within itself, too deep, or grows without measure where it is copied."""
    sizes: dict[int, int] = {}

    def size(value: Any, outer: frozenset[int]) -> int:
        known = sizes.get(id(value))
        if known is not None:
            return known
        inner = outer | {id(value)}
        if id(value) in outer:
            raise ConfigError(f"{what}: a value lies within itself; an alias (*name) must not stand inside its anchor")
        if len(outer) > DEEPEST:
            raise ConfigError(f"{what}: values lie in more than {DEEPEST} others")
        children = list(below(value))
        found = 1 + sum(size(child, inner) for child in children)
        if found > MOST_VALUES:
            raise ConfigError(f"{what}: its aliases (*name) make more than a million values of it")
        if children:
            sizes[id(value)] = found
        return found

    size(root, frozenset())


def _tree(text: str, path: str | Path) -> _Node | None:
    """The values of a YAML document; ConfigError shows the line at which it is none.

    Made from libyaml's events, as its composer overflows the stack where a file has very many opening brackets.
    """
    root: _Node | None = None
    anchors: dict[str, _Node] = {}
    open_nodes: list[_Node] = []
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.CollectionEndEvent):
                open_nodes.pop()
                continue
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise ConfigError(f"{path}, line {line}: a second document begins; a configuration is one")
            if isinstance(event, yaml.AliasEvent):
                node = anchors.get(event.anchor)
                if node is None:
                    raise ConfigError(f"{path}, line {line}: no anchor &{event.anchor} stands above the alias of it")
            elif isinstance(event, yaml.NodeEvent):
                if event.tag and not event.tag.startswith("tag:yaml.org,2002:"):
                    raise ConfigError(f"{path}, line {line}: {event.tag} is a tag of YAML; put the text in quotes")
                kind = {yaml.MappingStartEvent: "mapping", yaml.SequenceStartEvent: "list"}.get(type(event), "scalar")
                node = _Node(kind, line, getattr(event, "value", ""))
                if event.anchor:
                    anchors[event.anchor] = node
            else:
                continue
            if open_nodes:
                open_nodes[-1].children.append(node)
            root = root or node
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append(node)
            if len(open_nodes) > DEEPEST:
                raise ConfigError(f"{path}, line {line}: values lie in more than {DEEPEST} others")
    except yaml.YAMLError as error:
        raise _explained(error, text, path) from None
    return root


def _explained(error: yaml.YAMLError, text: str, path: str | Path) -> ConfigError:
    """An error of libyaml with the line itself, in words that help whoever wrote it."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}")
    problem = str(error.problem or error.context)
    mark = error.problem_mark or error.context_mark
    if UNCLOSED.search(problem) and error.context_mark:
        mark = error.context_mark  # where it was opened
    lines = text.splitlines()
    shown = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in shown[: len(shown) - len(shown.lstrip())]:
        problem = "tab"
    said = next((words for known, words in PLAIN_WORDS.items() if re.search(known, problem)), problem)
    return ConfigError(f"{path}, line {mark.line + 1}: not YAML: {said}\n    {shown.strip()}")
