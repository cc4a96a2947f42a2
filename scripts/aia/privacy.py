"""The e-mail address that the archive asks for is personal: it stands in no file, log or message."""

import os
from urllib.parse import quote, quote_plus

VARIABLE = "JSOC_EMAIL"
INSTEAD = "<e-mail>"


def redact(text: str) -> str:
    """Replace the e-mail address of the environment, plain or as a URL spells it, once or twice encoded."""
    address = os.environ.get(VARIABLE, "").strip()
    if not address:
        return text
    spelled = {address, quote(address), quote_plus(address), quote(address, safe="@")}
    spelled |= {quote_plus(once) for once in spelled}
    for form in sorted(spelled, key=len, reverse=True):
        text = text.replace(form, INSTEAD).replace(form.lower(), INSTEAD)
    return text
