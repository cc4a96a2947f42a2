"""Where the time of a calibration goes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Stages:
    """Seconds spent on each stage of the work, for the benchmark."""

    seconds: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str, since: float) -> float:
        """Add the time since `since` to a stage, and return what the time is now."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add another process's seconds."""
        for stage, spent in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent
