"""What every endpoint of the archive works with: the model, the memory, the spool, the clock and the limits."""

from dataclasses import dataclass, field

from synthetic_jsoc.holdings.series import find
from synthetic_jsoc.protocol import recordset


class RefusedError(Exception):
    """An answer that says no: the protocol's status number and text."""

    def __init__(self, status, text, **fields):
        super().__init__(text)
        self.answer = fields | {"status": status, "error": text}


@dataclass(frozen=True)
class Limits:
    """Bounds of the archive's service.

    Attributes
    ----------
    pending_per_address, pending_per_client : int
        Export requests that may be pending for one e-mail address, and for one host.
    pending_seconds : float
        After this time a pending request no longer counts.
    megabytes : int
        Largest export.
    duplicate_seconds : float
        How long an identical request is answered with the existing one.
    expiry_seconds : float
        How long the files of a request stay.
    registration_seconds : float
        How long an address may take to answer the mail of its registration. Nobody answers here.
    """

    pending_per_address: int = 1
    pending_per_client: int = 10
    pending_seconds: float = 3600.0
    megabytes: int = 100_000
    duplicate_seconds: float = 86400.0
    expiry_seconds: float = 7 * 86400.0
    registration_seconds: float = 900.0


@dataclass
class Service:
    """The archive behind its endpoints.

    Attributes
    ----------
    model : synthetic_jsoc.holdings.model.Archive
    store : synthetic_jsoc.holdings.store.Store
    spool, frames : synthetic_jsoc.storage.Spool
        Files of export requests, and whole files of records, which do not depend on who asks for them.
    now : callable
        Now, in Unix seconds.
    staging : float
        Seconds from a request to its files.
    registered : set of str
        E-mail addresses that may export, besides all in the reserved domain ``.example``.
    strict : bool
        Refuse time texts that the real archive misreads.
    limits : Limits
    stage : callable or None
        Says of the row of a request whether its files are made, and has them made.
    """

    model: object
    store: object
    spool: object
    frames: object
    now: object
    staging: float = 0.0
    registered: set = field(default_factory=set)
    strict: bool = False
    limits: Limits = field(default_factory=Limits)
    stage: object = None

    def read_sets(self, text):
        """Sets of a record-set text with their series, as the public wrapper checks them before anything else.

        Returns
        -------
        list of (RecordSet, Series)
        """
        try:
            sets = recordset.parse(text)
        except recordset.SpecificationError as error:
            raise RefusedError(4, str(error)) from None
        found = []
        for item in sets:
            series = find(item.series)
            if series is None:
                raise RefusedError(5, f"Series {item.series} is not a valid series accessible from hmidb2.")
            found.append((item, series))
        return found
