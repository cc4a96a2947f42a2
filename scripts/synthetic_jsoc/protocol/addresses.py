"""checkAddress.sh: whether an e-mail address may export. Addresses are remembered by their hash alone."""

import re
from urllib.parse import unquote

from synthetic_jsoc.holdings.store import hidden

REGISTERED, STARTED, PENDING, UNKNOWN, INVALID = 2, 1, 3, 4, -2
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,6}", re.A)
_TEXTS = {
    REGISTERED: "Email address is valid and registered.",
    STARTED: "An email message has been sent to the address. Please answer it within a few minutes.",
    PENDING: "Email-address registration is pending. Please wait and try again later.",
    UNKNOWN: "email address has been neither validated nor registered",
    INVALID: "Not a valid email address.",
}


def check_address(service, parameters):
    """Answer checkAddress.sh; the address arrives encoded twice.

    Without ``checkonly=1`` an unknown address begins its registration.
    """
    address = unquote(parameters.get("address", ""))
    if not address:
        return {"status": INVALID, "msg": "Missing required argument 'address'.", "user_id": None}
    status = address_status(service, address)
    if status == UNKNOWN and parameters.get("checkonly") != "1":
        service.store.start_registration(hidden(address), service.now())
        status = STARTED
    user = int(hidden(address)[:6], 16) if status == REGISTERED else None
    return {"status": status, "msg": _TEXTS[status], "user_id": user}


def address_status(service, address):
    """One of the protocol's status numbers for an address.

    Registered are the addresses that the server was given, and all of the reserved domain ``.example``, which is
    nobody's.
    """
    if len(address) > 254 or not _ADDRESS.match(address):
        return INVALID
    known = {item.lower() for item in service.registered}
    if address.lower() in known or address.lower().endswith(".example"):
        return REGISTERED
    since = service.now() - service.limits.registration_seconds
    return PENDING if service.store.registration_started(hidden(address), since) else UNKNOWN


def status_text(status):
    """The archive's words for a status of an address."""
    return _TEXTS[status]


def manage_request(service, parameters):
    """manage-request: whether an address has a pending request, and its end."""
    address = unquote(parameters.get("address", ""))
    pending = service.store.pending(hidden(address), None, service.now(), service.limits.pending_seconds)
    if not pending:
        return {"status": "1", "msg": "There are no pending requests for this address."}
    if parameters.get("operation") == "cancel":
        service.store.cancel(pending)
        return {"status": "3", "msg": f"Request {pending[0]} has been cancelled."}
    return {"status": "2", "msg": f"There is a pending request: {pending[0]}."}
