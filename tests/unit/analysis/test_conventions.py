"""A stranger opens a file for analysis: it says what everything in it is, by CF and ACDD, to every reader."""

import re

import h5py
import level1_frames
import netCDF4
import numpy as np
import pytest
import xarray as xr
from astropy import units as u
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS
from small_frames import write_sequence
from sunpy.coordinates import HeliographicStonyhurst

import aia_sequence
from aia_sequence.analysis import cube, dataset, slits, turned
from aia_sequence.errors import AIAError

REGION = {"x": [600, 1100], "y": [100, 600]}
FOLLOWED = {"follow": [20.0, 10.0], "at": "2021-07-03T14:27:23Z", "width": 300, "height": 240}
KINDS = ("seen", "followed", "derotated", "slit", "turning slit")
# https://cfconventions.org/Data/cf-standard-names: the names of it that can stand here; the Sun has none.
STANDARD_NAMES = {"time", "status_flag"}
WORD = re.compile(r"[A-Za-z0-9_\-.+@]+")  # of flag_meanings, by CF
# CF 1.11, section 2.2: types that its readers know.
TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file of each kind, of small frames."""
    folder = tmp_path_factory.mktemp("files")
    write_sequence(folder / "flare", 3, noise=1.0, uncertainty=True)
    frames = aia_sequence.open(folder / "flare")[211].frames
    found = {kind: folder / f"{kind}.nc" for kind in KINDS}
    cube.write(found["seen"], cube.seen(frames, REGION), REGION)
    cube.write(found["followed"], cube.seen(frames, FOLLOWED), FOLLOWED)

    tables = {name: str(path) for name, path in level1_frames.freeze_tables(folder / "tables").items()}
    rows = level1_frames.block(folder)
    manifest = folder / "level1" / "b.csv"
    turned.LEVEL1.write(manifest, rows)
    # Where the small frames look.
    region = {"x": [-660, -610], "y": [-380, -330]}
    options = {"region": region, "uncertainty": True}
    sources = turned.sources(211, tables | {"level1": str(manifest)}, options)
    reference = turned.reference_of(sources, rows[0]["T_OBS"], region)
    attributes = turned.described(reference)
    cube.write(found["derotated"], turned.turned(sources, reference), region, attributes)

    for kind, more in (("slit", {}), ("turning slit", {"at": frames[0].T_OBS})):
        slit = slits.Slit.of("loop", {"points": [[500, 100], [620, 180]], **more})
        slits.write(found[kind], slits.follow(frames, slit))
    return found


@pytest.fixture(params=KINDS)
def file(request, files):
    with netCDF4.Dataset(files[request.param]) as opened:
        opened.set_auto_mask(False)
        yield opened


def attributes(variable):
    return {name: variable.getncattr(name) for name in variable.ncattrs()}


def test_every_variable_says_what_it_is_and_in_which_unit(file):
    words = {}
    for name, variable in file.variables.items():
        told = attributes(variable)
        words[name] = told["long_name"]
        assert len(told["long_name"]) > 8, name
        assert told.get("standard_name", "time") in STANDARD_NAMES, name
        if variable.dtype is str:
            assert "units" not in told, name
            continue
        assert str(variable.dtype) in TYPES, name
        if " since " in told["units"]:
            assert netCDF4.num2date(variable[0], told["units"], told["calendar"]).year == 2021
        else:
            u.Unit(told["units"])  # raises where it is none
    assert len(set(words.values())) == len(words), "two variables are told alike"


def test_flags_have_a_bit_and_a_word_each(file):
    flags = {name: attributes(one) for name, one in file.variables.items() if "flag_masks" in one.ncattrs()}
    assert {"mask", "quality"} <= flags.keys()
    for name, told in flags.items():
        masks, meanings = np.atleast_1d(told["flag_masks"]), told["flag_meanings"].split(" ")
        assert masks.dtype == file[name].dtype, name
        assert len(masks) == len(set(masks)) == len(set(meanings)) == len(meanings), name
        assert all(int(mask).bit_count() == 1 for mask in masks), name
        assert all(WORD.fullmatch(meaning) for meaning in meanings), name
        # No pixel and no frame has a bit that has no word.
        known = np.bitwise_or.reduce(masks)
        assert (np.asarray(file[name]) & ~known == 0).all()


def test_coordinates_are_complete_and_ascend_and_only_measurements_can_be_missing(file):
    for name, variable in file.variables.items():
        if name in variable.dimensions:
            assert variable.dimensions == (name,)
            assert (np.diff(variable[:]) > 0).all(), name
            assert "_FillValue" not in variable.ncattrs(), name
        for beside in getattr(variable, "ancillary_variables", "").split():
            assert file[beside].dimensions == variable.dimensions
    assert set(file["data"].ancillary_variables.split()) >= {"mask", "uncertainty"}
    missing = np.isnan(file["data"][:])
    np.testing.assert_array_equal(missing, (file["mask"][:] & 4) > 0)


def test_the_file_says_where_it_is_from_what_was_done_and_when(file):
    told = attributes(file)
    conventions = told["Conventions"].split(", ")
    assert conventions == ["CF-1.11", "ACDD-1.3"]
    # ACDD 1.3: highly recommended, and what of the recommended one can know.
    for name in ("title", "summary", "keywords", "source", "history", "references", "processing_level"):
        assert len(told[name]) > 2, name
    assert told["title"].startswith("SDO/AIA 211 Å")
    assert "SYNTHETIC" in told["source"]
    assert "doi:10." in told["references"]
    covered = Time([told["time_coverage_start"][:-1], told["time_coverage_end"][:-1]], scale="utc")
    ends = Time("1977-01-01", scale="tai") + file["tai"][:][[0, -1]] * u.s
    assert abs((covered - ends).to_value("s")).max() < 0.01
    # Whatever the texts of the file name as a variable is there.
    for text in [told["history"], told.get("comment", "")]:
        named = re.findall(r"variable (\w+)|(\w+)\[n\]", text)
        assert {one or other for one, other in named} <= set(file.variables), text


@pytest.mark.parametrize("kind", ["seen", "followed", "derotated"])
def test_astropy_finds_each_pixel_where_the_file_says(files, kind):
    """By FITS keywords, CRPIX being that of the frame, as the comment of the file says."""
    with netCDF4.Dataset(files[kind]) as file:
        cards = {key[5:]: value for key, value in attributes(file).items() if key.startswith("fits_")}
        for number in (0, file.dimensions["time"].size - 1):
            frame = {"CRPIX1": float(file["crpix1"][number]), "CRPIX2": float(file["crpix2"][number])}
            columns, rows = np.array([0, 10, 40]), np.array([3, 20, 30])
            x, y = WCS(fits.Header(cards | frame)).wcs_pix2world(columns, rows, 0)
            found = file["x"][columns], file["y"][rows]
            if kind == "followed":
                middle = [(file.dimensions[axis].size + 1) / 2 for axis in "xy"]
                found = [
                    place + (middle[axis] - frame[f"CRPIX{axis + 1}"]) * cards[f"CDELT{axis + 1}"]
                    for axis, place in enumerate(found)
                ]
            np.testing.assert_allclose((np.asarray(x) + 180) % 360 - 180, found[0] / 3600, atol=5e-6)  # deg
            np.testing.assert_allclose(y, found[1] / 3600, atol=5e-6)


def test_plain_hdf5_shows_the_same_as_netcdf(files):
    """As IDL's H5 routines read it, which know nothing of netCDF."""
    for path in files.values():
        with h5py.File(path) as plain, netCDF4.Dataset(path) as file:
            for name, variable in file.variables.items():
                assert plain[name].attrs["long_name"] == variable.long_name
                if variable.dtype is not str:
                    assert plain[name].attrs["units"] == variable.units
                    variable.set_auto_mask(False)
                    np.testing.assert_array_equal(plain[name][()], variable[:])
            assert plain.attrs["source"] == file.source


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_opens_it_with_times_and_without_reading_pixels(files, engine):
    for kind in KINDS:
        with xr.open_dataset(files[kind], engine=engine, chunks={}) as dataset:
            assert dataset["data"].chunks is not None
            assert dataset["time"].dtype.kind == "M"
            assert np.isfinite(dataset["exposure"]).all()
            assert float(dataset["data"].mean().compute()) > 0


@pytest.mark.parametrize("kind", ["seen", "followed", "derotated"])
def test_a_frame_is_a_map_of_sunpys(files, kind):
    """Its last pixel lies where the file's x and y say, seen from SDO: at its own time, or at that of the reference."""
    opened = dataset.open_file(files[kind])
    number = opened.sizes["time"] - 1
    found = dataset.as_map(opened, number)
    assert type(found).__name__ == "AIAMap"
    assert found.unit == u.Unit("DN / s")
    assert found.wavelength == 211 * u.angstrom
    np.testing.assert_array_equal(found.data, opened["data"][number])
    time = opened.attrs.get("reference_time") or np.datetime_as_string(opened["time"].values[number], "ms")
    assert abs((found.date - Time(time.removesuffix("Z"))).to_value("s")) < 0.01
    corner = found.pixel_to_world(0 * u.pix, 0 * u.pix)
    if kind != "followed":
        assert corner.Tx.to_value("arcsec") == pytest.approx(float(opened["x"][0]), abs=0.02)
        assert corner.Ty.to_value("arcsec") == pytest.approx(float(opened["y"][0]), abs=0.02)
    place = found.center.transform_to(HeliographicStonyhurst(obstime=found.date))
    if kind == "followed":
        longitude, latitude = FOLLOWED["follow"]
        assert [place.lon.deg, place.lat.deg] == pytest.approx([longitude, latitude], abs=0.4)


def test_an_ndcube_of_a_derotated_file_has_its_times_and_places(files):
    opened = dataset.open_file(files["derotated"])
    made = dataset.as_ndcube(opened)
    x, y, time = made.wcs.low_level_wcs.pixel_to_world_values(7, 11, 2)
    assert float(time) == pytest.approx(float(opened["tai"][2] - opened["tai"][0]), abs=1e-3)
    angle = [(float(one) * 3600 + 648000) % 1296000 - 648000 for one in (x, y)]
    assert angle == pytest.approx([float(opened["x"][7]), float(opened["y"][11])], abs=0.02)
    np.testing.assert_array_equal(made[1].data, opened["data"][1])
    with pytest.raises(AIAError, match="the region moves"):
        dataset.as_ndcube(dataset.open_file(files["followed"]))


def test_the_frames_themselves_say_the_same_as_their_cube(files):
    """`cube()` of an event without cube files has the attributes that a file would have."""
    frames = aia_sequence.open(files["seen"].parent / "flare")[211].cube()
    with xr.open_dataset(files["seen"]) as file:
        assert set(frames.variables) == set(file.variables)
        for name in file.variables:
            told, expected = frames[name].attrs, dict(file[name].attrs)
            expected.pop("ancillary_variables", None)
            assert {key: str(value) for key, value in told.items()} == {
                key: str(value) for key, value in expected.items()
            }, name
