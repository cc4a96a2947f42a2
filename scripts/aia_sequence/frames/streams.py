"""Streams of compressed bytes, and the heap of a table in which they lie one after another."""

import zlib

import numpy as np

GZIP = 16 + zlib.MAX_WBITS


def placed(streams):
    """Bytes of each stream and their place in a heap, big-endian (n, 2), and the heap, uint8."""
    sizes = np.array([len(stream) for stream in streams], int)
    return np.stack([sizes, np.cumsum(sizes) - sizes], axis=1).astype(">i4"), np.frombuffer(b"".join(streams), np.uint8)


def gzip_2(values):
    """First bytes of all values (big-endian, of four bytes), then all second ones, and so on, as a gzip stream."""
    planes = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4).T.tobytes()
    return gzipped(planes)


def gzipped(content):
    """A gzip stream without a time in it: same input, same bytes."""
    stream = zlib.compressobj(1, zlib.DEFLATED, GZIP)
    return stream.compress(content) + stream.flush()
