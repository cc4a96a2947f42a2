"""What an export request asks for: records, segments, names, processing, and the form of delivery."""

import hashlib
import json
import re
from functools import cached_property

from synthetic_jsoc import times
from synthetic_jsoc.holdings import pictures
from synthetic_jsoc.holdings.series import find
from synthetic_jsoc.protocol import conditions, filenames, values
from synthetic_jsoc.protocol.info import open_records
from synthetic_jsoc.protocol.recordset import FilterError, parse
from synthetic_jsoc.protocol.selection import TooManyRecordsError
from synthetic_jsoc.protocol.service import RefusedError
from synthetic_jsoc.protocol.units import no_image


class Order:
    """An export request, read.

    Parameters
    ----------
    service : synthetic_jsoc.protocol.service.Service
    parameters : dict of str to str

    Raises
    ------
    RefusedError
        If the record set cannot be read or opened.
    """

    def __init__(self, service, parameters):
        self.model = service.model
        self.text = parameters.get("ds", "")
        self.method = parameters.get("method", "url")
        self.protocol = parameters.get("protocol", "as-is")
        self.filenamefmt = parameters.get("filenamefmt") or None
        self.n, self.process = read_process(parameters.get("process", ""))
        self.series, self.records, self.segments = self._open(service, parameters)
        if self.process:
            # A step makes images from images: other segments have no part in it.
            self.segments = [segment for segment in self.segments if segment.name != "spikes"]
        self.as_is = self.protocol.lower().startswith(("as-is", "su-as-is"))
        self.picture = pictures.read_picture(self.protocol)
        self.quick = self.method == "url_quick" and self.as_is

    def _open(self, service, parameters):
        sets = self._sets()
        series = sets[0][1]
        if parameters.get("seg") and any(item.segments is not None for item, _ in sets):
            raise RefusedError(4, f"Bad record-set query '{self.text}'.")
        wanted = [name for item, _ in sets for name in item.segments or ()] or parameters.get("seg", "").split(",")
        known = {segment.name.lower(): segment for segment in series.segments}
        wanted = [name.lower() for name in wanted if name]
        if any(name not in known for name in wanted):
            raise RefusedError(4, f"Bad record-set query '{self.text}'.")
        segments = [segment for name, segment in known.items() if not wanted or name in wanted]
        try:
            records = open_records(service, sets, self.n, filenames.keywords(self.filenamefmt))[1]
        except TooManyRecordsError:
            raise RefusedError(4, f"Can not open RecordSet {self.text} is too many records in one request.") from None
        except FilterError:
            raise RefusedError(4, f"Can not open RecordSet, bad query or too many records: {self.text}") from None
        return series, self._with_images(sets, records), segments

    def _sets(self):
        try:
            sets = [(item, find(item.series)) for item in parse(self.text)]
        except ValueError:
            raise RefusedError(4, f"Bad record-set query '{self.text}'.") from None
        for item, series in sets:
            if series is None:
                raise RefusedError(4, f"Cannot export series '{item.series}' - it does not exist.")
        if any(series is not sets[0][1] for _, series in sets):
            raise RefusedError(4, "Cannot specify subsets of records from different series.")
        return sets

    def _with_images(self, sets, records):
        """Records without an image are left out, unless the request says itself which QUALITY it wants."""
        texts = [f.text for item, _ in sets for f in item.filters if f.kind == "where"]
        if "quality" in conditions.words(*texts):
            return records
        return [record for record in records if not no_image(record)]

    @property
    def megabytes(self):
        """Size of all files."""
        return len(self.records) * sum(self.model.megabytes(segment.name) for segment in self.segments)

    def largest(self, megabytes):
        """Size that the request may have: less where files are unpacked on the way, more where they are packed."""
        if unpacked(self.protocol):
            return megabytes // 10
        return megabytes * 10 if self.protocol.lower().startswith("fits,compress") else megabytes

    @cached_property
    def digest(self):
        """Hash of what is delivered; two requests with the same one are the same request."""
        recnums = [record["recnum"] for record in self.records]
        names = [segment.name for segment in self.segments]
        parts = [self.series.name, recnums, names, self.filenamefmt, self.process, self.protocol, self.method]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def number(self):
        """Number of the request, below 10^9."""
        return int(self.digest[:12], 16) % 10**9

    @property
    def identity(self):
        """Id of the request: made from what it asks for, so that the same work has the same id in every run."""
        key = next((k for k in self.series.primekeys if self.model.types(self.series)[k] == "time"), None)
        day = times.format_time(self.records[0][key])[:10].replace("-", "") if self.records and key else "19770101"
        return f"JSOC_{day}_{self.number:09d}"

    def files(self):
        """(record, segment, record's specification) of each file, records in order, segments within."""
        keywords = self.model.keywords(self.series)
        for record in self.records:
            name = values.record_name(self.series, record, keywords)
            for segment in self.segments:
                yield record, segment, name


def unpacked(protocol):
    """Whether a protocol wants FITS files without compression: ``FITS,**NONE**``."""
    return re.fullmatch(r"fits,\s*\*\*none\*\*", protocol.strip().lower()) is not None


def read_process(text):
    """Record limit and steps of a ``process`` parameter: ``n=0|im_patch,x=…`` is (0, {"im_patch": {"x": …}}).

    What cannot be read is left out, as the archive leaves it out.
    """
    limit, steps = 0, {}
    for part in filter(None, text.split("|")):
        name, *arguments = part.split(",")
        if match := re.fullmatch(r"n=([+-]?\d{1,9})", name):
            limit = int(match[1])
        elif name != "no_op":
            steps[name] = dict(item.split("=", 1) for item in arguments if "=" in item)
    return limit, steps
