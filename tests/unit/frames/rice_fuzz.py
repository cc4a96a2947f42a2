"""Damaged Rice-compressed images for our decoder and astropy's, side by side; not a test by itself.

`python rice_fuzz.py N` tries N images and prints, as JSON, how many of each kind we took and refused, and what we took
wrongly: what astropy refuses, or with other pixels. Behind the bytes that our decoder may read lies memory that nobody
may, so that reading on ends the process.
"""

import ctypes
import io
import json
import mmap
import sys
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.fits.hdu.compressed._codecs import Rice1

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

from aia_sequence.frames import cards, rice

ROOM = 1 << 16
WIDTHS = (1, 31, 33, 64, 100, 100, 200, 500)
PROT_NONE = 0


def guarded():
    """Memory whose end nobody can read beyond: a page behind it is closed."""
    whole = mmap.mmap(-1, ROOM + mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(whole))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(start + ROOM), ctypes.c_size_t(mmap.PAGESIZE), PROT_NONE):
        raise OSError(ctypes.get_errno(), "mprotect")
    return np.frombuffer(whole, np.uint8, ROOM)


def image(rng, ny, nx):
    """Counts of any kind, from constant to whatever 16 bits can hold."""
    kind = rng.integers(4)
    if kind == 0:
        return np.full((ny, nx), rng.integers(-32768, 32768), np.int16)
    if kind == 1:
        return rng.choice([-32768, 0, 32767], (ny, nx), p=[0.02, 0.96, 0.02]).astype(np.int16)
    return rng.normal(300, 10.0 ** rng.uniform(-1, 4.5), (ny, nx)).clip(-32768, 32767).astype(np.int16)


def spoilt(rng, data):
    """Bytes with a few of them wrong, many wrong, or some missing or too many; now and then as they are."""
    data, kind = bytearray(data), rng.integers(6)
    if kind == 0:
        return bytes(data)
    if kind == 1:
        return bytes(data[: rng.integers(0, len(data))])
    if kind == 2:
        return bytes(data) + bytes(rng.choice([0, 255], rng.integers(1, 20)).tolist())
    if kind == 3:
        data[rng.integers(2, len(data) + 1) :] = bytes(len(data) + int(rng.integers(0, 300)))
        return bytes(data)
    for place in rng.integers(0, len(data), rng.integers(1, 4)):
        data[place] = rng.choice([0, 255, data[place] ^ (1 << rng.integers(8)), rng.integers(256)])
    return bytes(data)


def astropys(data, nx):
    try:
        return Rice1(blocksize=32, bytepix=2, tilesize=nx).decode(np.frombuffer(data, np.uint8))
    except Exception:  # noqa: BLE001 - its own exception is one of no module
        return None


def of_rows(rng, room):
    """An image of one to four rows, one of them damaged: our pixels and astropy's, None where refused."""
    ny, nx = int(rng.integers(1, 5)), int(rng.choice(WIDTHS))
    rows = [bytes(Rice1(blocksize=32, bytepix=2, tilesize=nx).encode(row)) for row in image(rng, ny, nx)]
    victim = rng.integers(ny)
    rows[victim] = spoilt(rng, rows[victim])
    sizes = [len(row) for row in rows]
    table = np.transpose([sizes, np.cumsum([0, *sizes[:-1]])])
    theirs = [astropys(row, nx) if row else None for row in rows]
    theirs = None if any(row is None for row in theirs) else np.array(theirs)
    return placed(room, table, b"".join(rows), (ny, nx)), theirs


def of_places(rng, room):
    """Sizes and places of rows that are anything, 64-bit sums that wrap among them."""
    nx = int(rng.choice(WIDTHS))
    row = bytes(Rice1(blocksize=32, bytepix=2, tilesize=nx).encode(image(rng, 1, nx)[0]))
    table = np.array([[len(row), 0], [len(row), len(row)]], np.int64)
    if rng.integers(4):
        odd = [0, 1, -1, len(row), 2 * len(row), 2**31 - 1, 2**32, 2**62, 2**63 - 1, 2**63 - len(row), -(2**63)]
        table[rng.integers(2), rng.integers(2)] = odd[rng.integers(len(odd))]
        if rng.integers(2):
            table[1] = rng.integers(-(2**63), 2**63 - 1), rng.integers(-(2**63), 2**63 - 1)
            table[1, 1] = np.int64(len(row)) - table[1, 0] if rng.integers(2) and table[1, 0] > 0 else table[1, 1]
    heap = row + row
    inside = all(place >= 0 and size >= 0 and place + size <= len(heap) for size, place in table.tolist())
    theirs = [astropys(heap[place : place + size], nx) if inside and size else None for size, place in table.tolist()]
    theirs = None if any(row is None for row in theirs) else np.array(theirs)
    return placed(room, table, heap, (2, nx)), theirs


def placed(room, table, heap, shape):
    """What our decoder makes of an image whose last readable byte is the last of the guarded memory."""
    table = np.asarray(table, ">i8").tobytes()
    content = room[room.size - len(table) - len(heap) - rice.MARGIN :]
    content[:] = 0
    content[: len(table)] = np.frombuffer(table, np.uint8)
    content[len(table) : len(table) + len(heap)] = np.frombuffer(heap, np.uint8)
    try:
        return rice.decode(content, 16, shape)
    except ValueError:
        return None


def of_files(rng, whole, words):
    """A file one of whose header's words is another, or some of whose bytes are."""
    content = bytearray(whole)
    if rng.integers(2):
        for place in rng.integers(2880, len(content), rng.integers(1, 4)):
            content[place] = rng.choice([0, 255, 32, content[place] ^ (1 << rng.integers(8))])
    else:
        keyword = words[rng.integers(len(words))]
        odd = [
            -1,
            0,
            1,
            2,
            8,
            16,
            17,
            4096,
            10**6,
            2**31,
            2**63 - 1,
            "'1QB(9)'",
            "'RICE_1'",
            "'BITPIX'",
            "T",
            "1.5",
            "",
        ]
        place = content.index(f"{keyword:8}=".encode(), 2880)
        content[place + 10 : place + 30] = f"{odd[rng.integers(len(odd))]!s:>20}".encode()
    ours = theirs = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            file = io.BytesIO(content)
            cards.read(file)
            table = cards.read(file)
            ours = rice.read(file, table) if rice.is_archives(table) else None
        except Exception:  # noqa: BLE001 - that it is refused is enough here
            pass
        if ours is not None:  # else it is astropy's affair
            try:
                with fits.open(io.BytesIO(content)) as hdus:
                    hdu = hdus[1] if len(hdus) > 1 else None
                    # Without a second HDU there is no image to read.
                    ours, theirs = (ours, np.array(hdu.data)) if hdu else (None, None)
            except Exception:  # noqa: BLE001
                pass
    return ours, theirs


def main(number):
    rng, room = np.random.default_rng(5), guarded()
    hdu, file = fits.CompImageHDU(image(rng, 5, 200), compression_type="RICE_1"), io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    whole = file.getvalue()
    words = [card.keyword for card in fits.Header.fromstring(whole[2880:8640].decode("latin1")).cards if card.keyword]
    told, wrong = {}, []
    for n in range(number):
        kind = "files" if n % 40 == 0 else "places" if n % 5 == 0 else "rows"
        if kind == "files":
            ours, theirs = of_files(rng, whole, words)
        else:
            ours, theirs = (of_rows if kind == "rows" else of_places)(rng, room)
        counts = told.setdefault(kind, [0, 0])
        counts[ours is None] += 1
        same = theirs is not None and ours is not None and np.array_equal(ours, theirs)
        # Where the bytes are rows that lie where they should, what astropy takes is taken.
        if (ours is not None and not same) or (kind != "files" and ours is None and theirs is not None):
            wrong.append(f"{kind} {n}: ours {None if ours is None else ours.shape}, astropy's {theirs is not None}")
    sys.stdout.write(json.dumps(told | {"wrong": wrong[:20]}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
