"""Zip files whose bytes depend on their contents alone, and that are checked before anything of them is used."""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from aia.crate import SUMS, read_checksums
from aia.errors import AIAError
from aia.files import replacing, sha256

STORED = {".png", ".mp4", ".gif", ".gz", ".zip"}  # compressed already
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows: no file's own time shows


def write(path: Path, files: Mapping[str, Path | str]) -> None:
    """
    Pack files, with a list of their checksums.

    Parameters
    ----------
    path
        The zip file.
    files
        By name in the zip: the path of a file, or its text.
    """
    sums = {}
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sorted(files.items()):
            if isinstance(content, str):
                packed.writestr(_entry(name), content.encode())
                sums[name] = hashlib.sha256(content.encode()).hexdigest()
            else:
                with content.open("rb") as source, packed.open(_entry(name), "w", force_zip64=True) as target:
                    while chunk := source.read(1 << 20):
                        target.write(chunk)
                sums[name] = sha256(content)
        packed.writestr(_entry(SUMS), "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))


def unpack(path: Path, folder: Path) -> dict[str, str]:
    """
    Unpack a zip file that `write` made.

    Returns
    -------
    dict
        SHA-256 by name; every file has been compared with it.

    Raises
    ------
    AIAError
        If the file is no such zip, is damaged, or names a path outside of the folder; nothing is unpacked then.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            sums = read_checksums(packed.read(SUMS).decode("utf-8"))
            for name in packed.namelist():
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
                    raise AIAError(f"{path} names {name!r}, which lies outside of it")
                if name != SUMS and sums.get(name) != _sha256(packed, name):
                    raise AIAError(f"{path}: {name} does not have the checksum that {SUMS} lists")
            if lost := sorted(set(sums) - set(packed.namelist())):
                raise AIAError(f"{path} lacks {', '.join(lost[:5])}, which {SUMS} lists")
            packed.extractall(folder)
    except (OSError, KeyError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise AIAError(f"{path} cannot be unpacked: {error}") from None
    return sums


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, DATE)
    entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in STORED else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _sha256(packed: zipfile.ZipFile, name: str) -> str:
    with packed.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
