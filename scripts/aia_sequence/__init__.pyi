from aia_sequence.analysis.sequence import open as open  # noqa: A004
from aia_sequence.calibration.single import calibrate as calibrate
from aia_sequence.frames.fits import read_level15 as read_level15

__version__: str
