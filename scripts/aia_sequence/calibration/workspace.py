"""Frame-sized arrays to work in, kept from one frame to the next."""

import numpy as np

from aia_sequence.instrument import SIDE

FRAME = 4 * SIDE**2  # bytes that an array has at least: those that nothing is written to take no memory


class Workspace:
    """Arrays that a process works in, by name."""

    def __init__(self) -> None:
        self.memory: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, int], kind: type = np.float32) -> np.ndarray:
        """An array of this shape, with whatever was in it; arrays of one name share their memory."""
        size = shape[0] * shape[1] * np.dtype(kind).itemsize
        if name not in self.memory or self.memory[name].size < size:
            self.memory[name] = np.empty(max(size, FRAME), np.uint8)
        return self.memory[name][:size].view(kind).reshape(shape)
