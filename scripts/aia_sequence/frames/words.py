"""Sums of a file's 32-bit words, compiled; `aia_sequence.frames.checksums` says what they are for."""

import numpy as np

from aia_sequence.frames.compiled import njit


@njit(cache=True, nogil=True)
def sum_of_words(words, total, swap):
    """Sum of 32-bit words, carries added in, as FITS defines it.

    Parameters
    ----------
    words : numpy.ndarray
        uint32.
    total : int
        Sum of the words before.
    swap : bool
        Whether their bytes stand in the other order, that of a file on most machines.
    """
    total = np.uint64(total)
    if swap:
        for i in range(words.size):
            total += np.uint64(swapped(words[i]))
    else:
        total = added(words, total)
    return folded(total)


@njit(cache=True, nogil=True)
def turn(words):
    """Turn the bytes of each 32-bit word round, in place; the sum of the words as they were, carries added in."""
    total = np.uint64(0)
    for i in range(words.size):
        word = words[i]
        total += np.uint64(word)
        words[i] = swapped(word)
    return folded(total)


@njit(cache=True, nogil=True)
def added(words, total):
    """A sum of 32-bit words, carried on in 64 bits."""
    for i in range(words.size):
        total += np.uint64(words[i])
    return total


@njit(cache=True, nogil=True, inline="always")
def swapped(word):
    """A word's bytes in the other order."""
    low = np.uint32(0x00FF00FF)
    pairs = (word & low) << np.uint32(8) | (word >> np.uint32(8)) & low
    return np.uint32(pairs << np.uint32(16) | pairs >> np.uint32(16))


@njit(cache=True, nogil=True)
def folded(total):
    """A sum of words with its carries added in."""
    while total >> np.uint64(32):
        total = (total & np.uint64(0xFFFFFFFF)) + (total >> np.uint64(32))
    return np.uint32(total)
