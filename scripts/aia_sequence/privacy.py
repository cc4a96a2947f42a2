"""The e-mail address that the archive asks for is personal: it stands in no file, log or message."""

import base64
import os
import re
from functools import lru_cache

VARIABLE = "JSOC_EMAIL"
ENDING = "_EMAIL"  # of every variable that holds such an address
INSTEAD = "<e-mail>"


def redact(text: str) -> str:
    """Replace the e-mail addresses of the environment, however they are spelled.

    In any case, each character plain or escaped: as a URL does (any number of times), as HTML, JSON or a mail does; or
    the whole of it in base64 or hexadecimal digits, alone or within something longer.
    """
    for name, value in os.environ.items():
        if name.endswith(ENDING) and (address := value.strip()):
            text = _spellings(address).sub(INSTEAD, text)
    return text


@lru_cache(maxsize=4)
def _spellings(address: str) -> re.Pattern[str]:
    """A pattern of every spelling of an address."""
    names = [address, address.lower(), address.upper()]
    digits = {name.encode().hex() for name in names}
    packed = {re.escape(form) for name in names for form in _packed(name.encode())}
    return re.compile(f"(?i:{'|'.join([''.join(map(_spelled, address)), *sorted(digits)])})|{'|'.join(sorted(packed))}")


def _spelled(character: str) -> str:
    """Pattern of a character as it is or escaped."""
    forms = [re.escape(character)]
    for code in {ord(character.lower()), ord(character.upper())}:
        forms += [f"%(?:25)*{code:02x}", f"={code:02x}"]  # URL, mail
        forms += [f"&#0*{code};", f"&#x0*{code:x};"]  # HTML
        forms += [rf"\\+u{code:04x}", rf"\\+x{code:02x}"]  # JSON, Python
    return f"(?:{'|'.join(forms)})"


def _packed(text: bytes) -> set[str]:
    """Base64 of a text, in both alphabets, wherever it begins in what was packed: the digits that it alone decides."""
    found = set()
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(text)) // 6
        digits = base64.b64encode(bytes(before) + text).decode()[first:last]
        found |= {digits, digits.replace("+", "-").replace("/", "_")}
    return found
