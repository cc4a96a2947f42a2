"""Zip files whose bytes depend on their contents alone, and that are checked before anything of them is used."""

import hashlib
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path, PurePosixPath

from aia_sequence.errors import AIAError
from aia_sequence.files import replacing, sha256
from aia_sequence.provenance.crate import SUMS, read_checksums

STORED = {".png", ".mp4", ".gif", ".gz", ".zip"}  # compressed already
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows: no file's own time shows
# Of one component of a name: no dot in front, nothing that a shell, a file system or a screen takes for something else.
PART = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
MOST_FILES = 200_000
MOST_BYTES = 8_000_000_000


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


def unpack(
    path: Path,
    folder: Path,
    *,
    what: str,
    wanted: Callable[[str], object],
    left: Callable[[str], object] = lambda name: False,
    most: int = MOST_BYTES,
) -> dict[str, str]:
    """
    Unpack a zip file that `write` made, or nothing of it.

    Whoever made the file decides what it holds, so only names that are expected are taken: a name that is neither
    wanted nor left is refused, wherever it would lie.

    Parameters
    ----------
    path
        The zip file.
    folder
        A new or empty folder.
    what
        What the file should be, for messages.
    wanted
        Says of a name whether its file is unpacked. It must let nothing pass that leads out of the folder.
    left
        Says of a name whether its file may be in the zip without being unpacked.
    most
        Largest size of what is unpacked, bytes.

    Returns
    -------
    dict
        SHA-256 by name, of what is left in the zip, too; every file has been compared with it.

    Raises
    ------
    AIAError
        If the file is no such zip, is damaged, holds anything else or too much, or if the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AIAError(f"{folder} is there already and not empty; {path} is unpacked into a new folder alone")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(path) as packed, tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack.") as new:
            entries = packed.infolist()
            _check(path, entries, what, wanted, left)
            _check_size(path, sum(entry.file_size for entry in entries), min(most, shutil.disk_usage(new).free))
            sums = _sums(path, packed)
            names = {entry.filename for entry in entries} - {SUMS}
            if names != set(sums):
                odd = sorted(names ^ set(sums))
                raise AIAError(f"{path} and its {SUMS} do not list the same files: {_some(odd)}")
            for entry in entries:
                target = (
                    Path(new, "unpacked", entry.filename) if wanted(entry.filename) or entry.filename == SUMS else None
                )
                digest = _unpack_one(packed, entry, target)
                if entry.filename != SUMS and digest != sums[entry.filename]:
                    raise AIAError(f"{path}: {entry.filename} does not have the checksum that {SUMS} lists")
            if folder.exists():
                folder.rmdir()
            Path(new, "unpacked").rename(folder)
    except (
        OSError,
        KeyError,
        ValueError,
        EOFError,
        RuntimeError,
        zlib.error,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        raise AIAError(f"{path} cannot be unpacked: {error}") from None
    return sums


def _check(path: Path, entries: Sequence[zipfile.ZipInfo], what: str, wanted, left) -> None:
    """Look at the entries of a zip before a byte of them is read."""
    if len(entries) > MOST_FILES:
        raise AIAError(f"{path} holds {len(entries):,} files; more than {MOST_FILES:,} are not unpacked")
    for entry in entries:
        name, mode = entry.filename, entry.external_attr >> 16
        if name != entry.orig_filename or not (name == SUMS or wanted(name) or left(name)):
            raise AIAError(
                f"{path} is no {what}: it holds {_some([entry.orig_filename])}, which does not belong into one"
            )
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise AIAError(f"{path}: {name} is a link or another special file; only regular ones are unpacked")
        if entry.flag_bits & 0x1:
            raise AIAError(f"{path}: {name} is encrypted, which is not read")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            method = getattr(zipfile, "compressor_names", {}).get(entry.compress_type, "an unknown method")
            raise AIAError(f"{path}: {name} is packed with {method}; only stored and deflated files are read")
    # Some file systems do not tell capital letters from small ones; and none has a file and a folder of one name.
    taken = Counter(entry.filename.casefold() for entry in entries)
    folders = {str(parent) for name in taken for parent in PurePosixPath(name).parents}
    if twice := sorted(name for name, count in taken.items() if count > 1 or name in folders):
        raise AIAError(f"{path} holds several files of one name: {_some(twice)}")


def _check_size(path: Path, size: int, most: int) -> None:
    if size > most:
        raise AIAError(
            f"{path} unpacks to {size / 1e9:,.1f} GB; no more than {most / 1e9:,.1f} GB may be unpacked here"
        )


def _sums(path: Path, packed: zipfile.ZipFile) -> dict[str, str]:
    if packed.getinfo(SUMS).file_size > MOST_FILES * 300:
        raise AIAError(f"{path}: its {SUMS} is too large to be one")
    return read_checksums(packed.read(SUMS).decode("utf-8"))


def _unpack_one(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path | None) -> str:
    """Hash a file, and write it where it is wanted; a zip's reader stops at the size that was looked at before."""
    digest = hashlib.sha256()
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as source, target.open("xb") if target else nullcontext() as copy:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
            if copy:
                copy.write(chunk)
    return digest.hexdigest()


def _some(names: Sequence[str], most: int = 3) -> str:
    """Name files as harmless text: a name can hold anything, terminal commands and a thousand letters included."""
    shown = ", ".join(ascii(name if len(name) <= 100 else f"{name[:100]}…") for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, DATE)
    entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in STORED else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
