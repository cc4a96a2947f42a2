"""Frame-sized arrays to work in, kept from one frame to the next, and made ready before the first one."""

import mmap
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np


class Workspace:
    """Arrays that a process works in, by name.

    Parameters
    ----------
    memory
        uint8, to be used for the arrays of these names as far as it is large enough.
    """

    def __init__(self, memory: Mapping[str, np.ndarray] | None = None) -> None:
        self.memory = dict(memory or {})

    def array(self, name: str, shape: tuple[int, int], kind: type = np.float32) -> np.ndarray:
        """An array of this shape, with whatever was in it; arrays of one name share their memory."""
        size = shape[0] * shape[1] * np.dtype(kind).itemsize
        if name not in self.memory or self.memory[name].size < size:
            self.memory[name] = np.empty(size, np.uint8)
        return self.memory[name][:size].view(kind).reshape(shape)


@contextmanager
def touched(number: int, sizes: Mapping[str, int]) -> Iterator[list[Workspace]]:
    """Workspaces for processes that will be forked, their memory touched by another process meanwhile.

    Memory that nobody has used since a virtual machine was started has to be brought by its host, 15 us for a page,
    half a second for the arrays of a full-disk frame. While kernels are loaded, one core has nothing else to do. What
    is left to touch when work begins is touched beside it.

    Parameters
    ----------
    number
        How many workspaces.
    sizes
        Bytes of each one's arrays, by name.
    """
    spaces = [
        Workspace({name: np.frombuffer(mmap.mmap(-1, size), np.uint8) for name, size in sizes.items()})
        for _ in range(number)
    ]
    helper = multiprocessing.get_context("fork").Process(target=_touch, args=(spaces, list(sizes)), daemon=True)
    helper.start()
    try:
        yield spaces
    finally:
        helper.terminate()
        helper.join()


def _touch(spaces: Sequence[Workspace], names: Sequence[str]) -> None:
    """Read from every page, in the order in which frames will need them.

    Reading makes a page of shared memory come as writing does, and cannot spoil what a frame has put there already.
    """
    for name in names:
        for space in spaces:
            space.memory[name][:: mmap.PAGESIZE].max()
