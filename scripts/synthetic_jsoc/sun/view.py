"""What the observer sees of the Sun: from heliographic coordinates to pixels of the scene's grid."""

from dataclasses import dataclass

import numpy as np

from synthetic_jsoc.instrument import SHAPE
from synthetic_jsoc.sun import ephemeris

SCALE = 0.6  # arcsec per pixel of the scene's grid
CENTRE = (SHAPE[0] - 1) / 2
ROWS, COLUMNS = 2048, 4096  # of a map of the surface: latitude from the south pole, Carrington longitude


@dataclass(frozen=True)
class View:
    """The observer's geometry: apparent radius in pixels of the scene, distance in radii, and angles in radians."""

    radius: float
    distance: float
    latitude: float
    longitude: float

    @classmethod
    def at(cls, tai):
        """From TAI seconds since 1977."""
        place = ephemeris.observer([tai])
        return cls(
            radius=float(place["RSUN_OBS"][0]) / SCALE,
            distance=float(place["DSUN_OBS"][0]) / ephemeris.RSUN_M,
            latitude=float(np.radians(place["CRLT_OBS"][0])),
            longitude=float(np.radians(place["CRLN_OBS"][0])),
        )

    def project(self, latitude, longitude, radius=1.0):
        """
        Pixels of points in heliographic coordinates.

        Parameters
        ----------
        latitude, longitude : array-like
            Degrees, Carrington.
        radius : array-like
            Solar radii.

        Returns
        -------
        tuple of ndarray
            Column and row from 0, whether the Sun's body leaves the point visible, and the cosine towards the observer.
        """
        lat, lon = np.radians(latitude), np.radians(longitude) - self.longitude
        west, north = np.cos(lat) * np.sin(lon), np.sin(lat)
        ahead = np.cos(lat) * np.cos(lon)
        up = north * np.cos(self.latitude) - ahead * np.sin(self.latitude)
        near = north * np.sin(self.latitude) + ahead * np.cos(self.latitude)
        enlarge = radius * self.distance / (self.distance - near * radius)
        x, y = west * enlarge, up * enlarge
        visible = (near * radius > 1 / self.distance) | (x * x + y * y > 1)
        return CENTRE + x * self.radius, CENTRE + y * self.radius, visible, near
