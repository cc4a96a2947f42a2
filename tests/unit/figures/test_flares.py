"""Half rise and half decay are right to a frame's spacing, or not marked: no background is made up."""

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.optimize import brentq

from aia_sequence.figures.flares import find_flare
from aia_sequence.times import tai_seconds
from synthetic_jsoc.sun.flares import flares

# The worked example's flare, as the GOES list has it.
START, PEAK, END = (tai_seconds(datetime(2021, 7, 3, *time, tzinfo=UTC)) for time in ((14, 18), (14, 29), (14, 34)))
(FLARE,) = [flare for flare in flares() if (flare.start, flare.peak, flare.end) == (START, PEAK, END)]
CHANNELS = (94, 131, 171, 211, 304, 1600)


def truth(channel):
    """Half rise, maximum and half decay of the model's curve, s after the flare's start: its own roots."""
    after = np.linspace(1, 20_000, 20_001)
    top = after[np.argmax(FLARE.profile(channel, START + after))]

    def half(second):
        return float(FLARE.profile(channel, START + second)) - 0.5

    return brentq(half, 10, top), top, brentq(half, top, 20_000)


def times_of(seconds):
    return START + np.asarray(seconds, dtype=float)


def found(seconds, mean, limits=None):
    """Half rise and half decay, s after the flare's start; None where they are not marked."""
    flare = find_flare(times_of(seconds), mean, limits)
    marks = (None, None) if flare is None else (flare.rise, flare.decay)
    return [None if mark is None else mark - START for mark in marks]


def windows(step):
    """Windows that begin before, in and after the rise and last for minutes to hours, and hold some of the flare."""
    for begin in range(-1800, 900, 90):
        for length in (300, 600, 1800, 3600, 10_800):
            seconds = np.arange(begin, begin + length, step)
            if seconds.size > 3 and seconds[-1] > 300:
                yield seconds


@pytest.mark.parametrize("step", [12, 24, 36, 60])
@pytest.mark.parametrize("channel", CHANNELS)
def test_whatever_the_window_a_half_time_is_right_to_a_frame_or_absent(channel, step):
    rise, _, decay = truth(channel)
    marked = [0, 0]
    for seconds in windows(step):
        mean = 130 + 1000 * FLARE.profile(channel, START + seconds)
        for number, (got, true) in enumerate(zip(found(seconds, mean), (rise, decay), strict=True)):
            if got is not None:
                assert got == pytest.approx(true, abs=step), f"window {seconds[0]} to {seconds[-1]} s"
                marked[number] += 1
    assert min(marked) > 10, "not always absent"


@pytest.mark.parametrize(("noise", "least"), [(0.002, 10), (0.01, 10), (0.03, 0), (0.1, 0)])
@pytest.mark.parametrize("channel", [131, 211])
def test_noise_does_not_change_that(channel, noise, least):
    rise, _, decay = truth(channel)
    random, marked = np.random.default_rng(channel), 0
    for seconds in windows(12):
        mean = 130 + 1000 * (FLARE.profile(channel, START + seconds) + random.normal(0, noise, seconds.size))
        for got, true in zip(found(seconds, mean), (rise, decay), strict=True):
            if got is not None:
                assert got == pytest.approx(true, abs=12), f"window {seconds[0]} to {seconds[-1]} s"
                marked += 1
    assert marked >= least


def test_a_window_that_begins_in_the_rise_has_no_half_rise_and_says_why():
    """The worked example: shortened frames, every 36 s, from a window that begins when half of the rise is near."""
    seconds = np.arange(7 * 60 + 5, 17 * 60, 36)
    flare = find_flare(times_of(seconds), 130 + 1000 * FLARE.profile(211, START + seconds))
    assert flare.turns
    assert (flare.rise, flare.decay, flare.before, flare.after) == (None, None, None, None)
    assert flare.unseen == "No half rise and half decay are marked: the background of the flare was not observed."


def test_a_window_of_both_backgrounds_has_both_half_times():
    seconds = np.arange(-600, 7200, 12)
    flare = find_flare(times_of(seconds), 130 + 1000 * FLARE.profile(211, START + seconds))
    assert flare.before == pytest.approx(130, abs=1)
    assert flare.after == pytest.approx(130, abs=20)
    assert flare.unseen == ""


def test_a_window_that_begins_in_the_rise_and_ends_long_after_it_has_a_half_decay_alone():
    seconds = np.arange(540, 12_000, 12)
    mean = 130 + 1000 * FLARE.profile(211, START + seconds)
    rise, decay = found(seconds, mean)
    assert rise is None
    assert decay == pytest.approx(truth(211)[2], abs=12)
    assert "before the flare was not observed" in find_flare(times_of(seconds), mean).unseen


@pytest.mark.parametrize("part", [slice(0, 40), slice(60, None)])
def test_a_window_without_the_peak_has_no_half_times(part):
    seconds = np.arange(-600, 7200, 12)[: 40 + 60] if part.stop else np.arange(720, 9000, 12)
    flare = find_flare(times_of(seconds), 130 + 1000 * FLARE.profile(211, START + seconds))
    assert not flare.turns
    assert (flare.rise, flare.decay) == (None, None)
    assert "the peak was not observed" in flare.unseen


@pytest.mark.parametrize(("side", "gap"), [(0, (420, 540)), (1, (1400, 1600))])
def test_a_half_time_in_a_gap_is_not_invented(side, gap):
    seconds = np.arange(-600, 7200, 12)
    seconds = seconds[(seconds < gap[0]) | (seconds > gap[1])]
    marks = found(seconds, 130 + 1000 * FLARE.profile(211, START + seconds))
    assert marks[side] is None
    assert marks[1 - side] == pytest.approx(truth(211)[2 * (1 - side)], abs=12)


def test_a_gap_elsewhere_and_frames_without_a_value_do_no_harm():
    seconds = np.arange(-900, 7200, 12)
    mean = 130 + 1000 * FLARE.profile(211, START + seconds)
    mean[::7] = np.nan
    kept = (seconds < -500) | (seconds > -200)
    for got, true in zip(found(seconds[kept], mean[kept]), truth(211)[::2], strict=True):
        assert got == pytest.approx(true, abs=12)


def test_saturated_frames_between_shortened_ones_are_lower_limits():
    """Every other frame, of normal exposure, saturates and shows less than half: that is no half rise near the peak."""
    seconds = np.arange(-900, 7200, 12)
    true = 1000 * FLARE.profile(211, START + seconds)
    limits = (true > 400) & (np.arange(seconds.size) % 2 == 0)
    mean = 130 + np.where(limits, 400, true)
    for got, wanted in zip(found(seconds, mean, limits), truth(211)[::2], strict=True):
        assert got == pytest.approx(wanted, abs=24)


def test_a_later_end_of_the_window_moves_no_mark():
    seconds = np.arange(-900, 7200, 12)
    mean = 130 + 1000 * FLARE.profile(211, START + seconds)
    marks = {tuple(found(seconds[:end], mean[:end])) for end in (250, 400, 675)}
    assert len(marks) == 1
