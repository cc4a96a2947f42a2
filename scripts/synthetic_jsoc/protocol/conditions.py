"""Conditions on keywords, ``[? EXPTIME < 2 AND QUALITY = 0 ?]``, evaluated where they can do nothing but compare.

The text is read token by token, only comparisons and arithmetic on the series' own columns pass, and SQLite evaluates
them in a throw-away database in memory whose authorizer denies everything but reading those columns, within a bounded
number of steps.
"""

import re
import sqlite3
from contextlib import closing

from synthetic_jsoc import times
from synthetic_jsoc.holdings.series import missing_value
from synthetic_jsoc.protocol.recordset import FilterError

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>'(?:[^']|'')*' | "[^"]*")
      | \$\((?P<time>[^()]{1,38})\)
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![A-Za-z_])
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<operator><=|>=|<>|!=|<<|>>|[-+*/%&|<>=(),])""",
    re.X | re.A,
)
_WORDS = {"AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "LIKE", "TRUE", "FALSE", "ISNULL", "NOTNULL"}
_FUNCTIONS = {"abs", "round", "lower", "upper", "length", "coalesce", "sqrt", "floor", "ceil", "like"}
_AFFINITY = {"string": "TEXT", "float": "REAL", "double": "REAL", "time": "REAL"}
_QUOTED_NUMBER = re.compile(r"'\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*'", re.A)
_LIMITS = {
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 10,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
# SQLite calls back each 10,000 steps; a comparison takes some ten, so any honest condition on 75,000 records passes.
_STEPS, _CALLS = 10_000, 5_000


class Condition:
    """All conditions of a record set, read and checked before any record is looked at.

    Parameters
    ----------
    texts : list of str
        SQL expressions; a record passes if all are true.
    columns : dict of str to str
        DRMS type of each column that may be named; names are compared without case.

    Raises
    ------
    FilterError
        If an expression is no expression, names no column, or wants more than to compare.
    """

    def __init__(self, texts, columns):
        self.columns = {name.lower(): kind for name, kind in columns.items()}
        self.names = {name.lower(): name for name in columns}
        self.used = set()
        self.texts = [_expression(text, self.columns) for text in texts]
        with closing(sqlite3.connect(":memory:")) as database:
            self._create(database, sorted(self.columns.keys() & words(*texts)))
            self._select(database)
        if not any(self.columns[name] == "string" for name in self.used):
            # PostgreSQL compares a quoted number as a number wherever the other side is one.
            self.texts = [_QUOTED_NUMBER.sub(r"\1", text) for text in self.texts]

    def passing(self, rows):
        """The rows (dicts of column to value) for which every condition is true, in their order."""
        rows = list(rows)
        used = sorted(self.used)
        with closing(sqlite3.connect(":memory:")) as database:
            self._create(database, used)
            values = (
                [i, *(stored(row[self.names[name]], self.columns[name]) for name in used)] for i, row in enumerate(rows)
            )
            database.executemany(f"INSERT INTO records VALUES ({','.join('?' * (len(used) + 1))})", values)
            return [rows[i] for i in self._select(database)]

    def _create(self, database, names):
        for limit, value in _LIMITS.items():
            database.setlimit(limit, value)
        database.execute("PRAGMA case_sensitive_like = ON")
        columns = "".join(f', "{name}" {_AFFINITY.get(self.columns[name], "INTEGER")}' for name in names)
        database.execute(f"CREATE TABLE records (row_number INTEGER PRIMARY KEY{columns})")

    def _select(self, database):
        calls = iter(range(_CALLS))
        database.set_authorizer(self._authorize)
        database.set_progress_handler(lambda: next(calls, None) is None, _STEPS)
        clause = " AND ".join(f"({text})" for text in self.texts) or "1"
        try:
            return [
                row[0] for row in database.execute(f"SELECT row_number FROM records WHERE {clause} ORDER BY row_number")
            ]
        except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError) as error:
            raise FilterError(f"problem with database query: {error}") from None

    def _authorize(self, action, table, column, *_):
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and table == "records":
            self.used |= {column.lower()} & self.columns.keys()
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and column.lower() in _FUNCTIONS:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY


def stored(value, kind):
    """A keyword's value as the database holds it: an int is signed, and a missing real number is NULL.

    Elsewhere a value is missing that is None or its type's missing value.
    """
    if kind in ("float", "double"):
        return None if value is None or value != value else value
    if value is None:
        return missing_value(kind)
    return value - 2**32 if kind == "int" and value >= 2**31 else value


def words(*texts):
    """The words of some conditions, in lower case; columns are among them."""
    return {match["word"].lower() for text in texts for match in _TOKEN.finditer(text) if match["word"]}


def _expression(text, columns):
    """The text rebuilt from its tokens as one balanced expression, or FilterError."""
    tokens, depth, position = [], 0, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise FilterError(
                f'problem with database query: syntax error at or near "{text[position : position + 20]}"'
            )
        position = match.end()
        kind, token = match.lastgroup, match.group()
        if kind == "word" and token.lower() in columns:
            token = f'"{token.lower()}"'
        elif kind == "word" and token.upper() not in _WORDS and token.lower() not in _FUNCTIONS:
            raise FilterError(f'problem with database query: column "{token.lower()}" does not exist')
        elif kind == "string" and token[0] == '"':
            token = "'" + token[1:-1].replace("'", "''") + "'"
        elif kind == "time":
            token = _time(match["time"])
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth < 0 or (token == "=" and tokens and tokens[-1] == "="):
            raise FilterError(f'problem with database query: syntax error at or near "{token}"')
        if kind != "space":
            tokens.append(token)
    if depth or not tokens:
        raise FilterError("problem with database query: syntax error at end of input")
    return " ".join(tokens)


def _time(text):
    try:
        return repr(times.parse_time(text))
    except (ValueError, OverflowError) as error:
        raise FilterError(f"problem with database query: {error}") from None
