"""What the archive remembers: requests, their files, fault counters and the log, in one SQLite file.

Several servers, in several processes, may work on one state folder at a time, and any of them may be killed: every
change is one transaction.
"""

import hashlib
import json
import sqlite3
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from synthetic_jsoc.storage import exclusive

_TABLES = """
CREATE TABLE IF NOT EXISTS requests (
    id TEXT PRIMARY KEY, hash TEXT, address TEXT, client TEXT, created REAL, ready REAL, expires REAL,
    method TEXT, protocol TEXT, count INTEGER, size INTEGER, directory TEXT, failure TEXT, answer TEXT);
CREATE INDEX IF NOT EXISTS requests_by_hash ON requests (hash);
CREATE INDEX IF NOT EXISTS requests_by_directory ON requests (directory);
CREATE INDEX IF NOT EXISTS requests_by_address ON requests (address, created);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, request TEXT, record TEXT, unit INTEGER, segment TEXT, as_is INTEGER, process TEXT);
CREATE INDEX IF NOT EXISTS files_by_request ON files (request);
CREATE TABLE IF NOT EXISTS log (
    number INTEGER PRIMARY KEY AUTOINCREMENT, time REAL, verb TEXT, op TEXT, series TEXT, target TEXT,
    status INTEGER, bytes INTEGER, size INTEGER, fault TEXT, record TEXT, request TEXT);
CREATE TABLE IF NOT EXISTS exports (request TEXT, record TEXT, segment TEXT, time REAL);
CREATE TABLE IF NOT EXISTS registrations (address TEXT PRIMARY KEY, started REAL);
CREATE TABLE IF NOT EXISTS faults (rule TEXT PRIMARY KEY, calls INTEGER);
"""


class Store:
    """The archive's memory in a state folder."""

    def __init__(self, folder):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "archive.sqlite"
        self._local = threading.local()
        self._open = []
        # Several that turn a new database into a WAL at once are refused by SQLite, however long they would wait.
        with exclusive(folder / ".lock-archive"), self.change() as database:
            for statement in filter(str.strip, _TABLES.split(";")):
                database.execute(statement)

    def connection(self):
        """Return the connection of the calling thread."""
        if not hasattr(self._local, "database"):
            database = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            self._local.database = database
            self._open.append(database)
        return self._local.database

    @contextmanager
    def change(self):
        """A transaction: all of its changes are made, or none. One inside another is a part of it."""
        database = self.connection()
        if database.in_transaction:
            yield database
            return
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")

    def release(self):
        """Close this thread's connection."""
        if hasattr(self._local, "database"):
            self._open.remove(self._local.database)
            self._local.database.close()
            del self._local.database

    def close(self):
        """Close the connections of all threads."""
        for database in self._open:
            database.close()
        self._open.clear()
        self._local = threading.local()

    def one(self, query, *values):
        """First row of an answer, or None."""
        return self.connection().execute(query, values).fetchone()

    def all(self, query, *values):
        """All rows of an answer."""
        return self.connection().execute(query, values).fetchall()

    def add_request(self, request, files):
        """Remember a request and the files that it will deliver, in place of an older one of the same identity.

        Parameters
        ----------
        request : dict
            The columns of table ``requests``; `answer` is turned into JSON.
        files : list of dict
            ``path``, ``record``, ``unit``, ``segment``, ``as_is`` and ``process`` of each file.
        """
        values = request | {"answer": json.dumps(request["answer"])}
        with self.change() as database:
            database.execute("DELETE FROM files WHERE request = ?", (request["id"],))
            _insert(database, "requests", [values])
            _insert(database, "files", [file | {"request": request["id"]} for file in files])
            exported = [(request["id"], f["record"], f["segment"], request["created"]) for f in files]
            database.executemany("INSERT INTO exports VALUES (?, ?, ?, ?)", exported)

    def request(self, identity):
        """The row of a request, or None."""
        return self.one("SELECT * FROM requests WHERE id = ?", identity)

    def duplicate(self, digest, since):
        """The row of the newest request with this content since a moment, or None."""
        return self.one("SELECT * FROM requests WHERE hash = ? AND created >= ? AND failure IS NULL", digest, since)

    def pending(self, address, client, now, seconds):
        """Ids of requests that wait for their files, of an address or of a host, oldest first."""
        query = """SELECT id FROM requests WHERE (address = ? OR client = ?) AND ready > ? AND created > ?
                   AND failure IS NULL ORDER BY created, id"""
        return [row["id"] for row in self.all(query, address, client, now, now - seconds)]

    def cancel(self, identities):
        """Let requests fail."""
        with self.change() as database:
            failure = [("Request was cancelled", identity) for identity in identities]
            database.executemany("UPDATE requests SET failure = ? WHERE id = ?", failure)

    def file(self, path):
        """The row of an exported file, or None."""
        return self.one("SELECT * FROM files WHERE path = ?", path)

    def paths(self, identity):
        """Paths of a request's files, in its order."""
        return [row["path"] for row in self.all("SELECT path FROM files WHERE request = ? ORDER BY rowid", identity)]

    def request_of_directory(self, directory):
        """The row of the request whose files lie in a directory, or None."""
        return self.one("SELECT * FROM requests WHERE directory = ?", directory)

    def series_of(self, identity):
        """Name of the series that a request exports; empty if nothing is known of it."""
        row = self.one("SELECT record FROM files WHERE request = ? LIMIT 1", identity)
        return row["record"].partition("[")[0].removesuffix("_mod") if row else ""

    def start_registration(self, address, now):
        """Remember that an address waits for its registration."""
        with self.change() as database:
            database.execute("INSERT OR REPLACE INTO registrations VALUES (?, ?)", (address, now))

    def registration_started(self, address, since):
        """Whether an address waits for its registration, begun since a moment."""
        return self.one("SELECT 1 FROM registrations WHERE address = ? AND started > ?", address, since) is not None

    def add_log(self, **entry):
        """Remember an exchange, given by the columns of table ``log``; returns its number."""
        with self.change() as database:
            return _insert(database, "log", [entry])

    def correct_log(self, number, **changes):
        """Change columns of a remembered exchange."""
        columns = ", ".join(f"{name} = ?" for name in changes)
        with self.change() as database:
            database.execute(f"UPDATE log SET {columns} WHERE number = ?", [*changes.values(), number])

    def count_call(self, rule):
        """Number of this call among those that a fault rule applies to, from 1."""
        with self.change() as database:
            database.execute(
                "INSERT INTO faults VALUES (?, 1) ON CONFLICT (rule) DO UPDATE SET calls = calls + 1", (rule,)
            )
            return database.execute("SELECT calls FROM faults WHERE rule = ?", (rule,)).fetchone()[0]


def hidden(address):
    """An e-mail address as the archive remembers it: recognisable, not readable."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:16]


def read_log(state):
    """Every answer of the archive of a state folder, oldest first.

    Returns
    -------
    list of dict
        ``time`` (Unix s), ``verb``, ``op`` (``rs_list``, ``exp_request`` …, ``file``), ``series``, ``target``,
        ``status``, ``bytes`` (sent), ``size`` (of the whole body), ``fault`` (mode or None), ``record`` (of a file) and
        ``request`` (its id).
    """
    return [dict(row) for row in _read(state, "SELECT * FROM log ORDER BY number")]


def count_exports(state):
    """How often each record was exported by a request of its own (answers that name an existing request do not count).

    Returns
    -------
    Counter of (str, str)
        By record and segment.
    """
    return Counter((row["record"], row["segment"]) for row in _read(state, "SELECT record, segment FROM exports"))


def count_fetches(state):
    """How often each file was sent whole and undamaged.

    Returns
    -------
    Counter of str
        By the path on the server; `read_log` names the record of each.
    """
    query = (
        "SELECT target FROM log WHERE op = 'file' AND verb = 'GET' AND status = 200 AND bytes = size AND fault IS NULL"
    )
    return Counter(row["target"] for row in _read(state, query))


def _read(state, query):
    path = Path(state) / "archive.sqlite"
    if not path.exists():
        return []
    store = Store(state)
    try:
        return store.all(query)
    finally:
        store.close()


def _insert(database, table, rows):
    """Insert rows in place of those with the same key; returns the last one's number."""
    number = None
    for row in rows:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        query = f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})"
        number = database.execute(query, list(row.values())).lastrowid
    return number
