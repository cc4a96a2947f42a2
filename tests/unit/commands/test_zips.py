"""What a zip from somebody else can do: give tables and figures, or be refused in words before anything is written."""

import hashlib
import re
import stat
import string
import struct
import zipfile

import pytest
from hostile import TIMES, trial
from hypothesis import given, settings
from hypothesis import strategies as st

from aia_sequence.commands import bundle, redraw, zips
from aia_sequence.config.schema import schema
from aia_sequence.errors import AIAError

TABLE = "synthetic/calibration/degradation.ecsv"
# What each door takes: the name of something that it unpacks.
DOORS = {"bundle": TABLE, "archive": f"resources/{TABLE}"}
BEYOND_ASCII = (
    "\u202egnp.py",
    "config\uff0fx.csv",
    "c\u0430lm.csv",
    "x\u0000.csv",
    "e\u0301.csv",
    "\x1b[2J.csv",
    "\u2025/x.csv",
)
COMPONENTS = (
    "..",
    ".",
    "",
    ".snakemake",
    ".git",
    ".profile",
    "~",
    "C:",
    "CON ",
    "a b",
    "-rf",
    "\\",
    "..\\x",
    "$HOME",
    "`id`",
    "*",
)
CODE_OF_THEIRS = (
    *(".snakemake/scripts/numpy.py", "sitecustomize.py", "numpy.py", "aia/__init__.py", "config/config.py"),
    *("resources/x.py", "resources/synthetic/calibration/x.so", "results/x/figures/211/sequence.png", "logs/x.log"),
    *(
        "archived/x/numpy.py",
        "archived/x/.snakemake/scripts/x.csv",
        "profiles/../numpy.py",
        "config/records/../../x.csv",
    ),
    *("scripts/.x/numpy.py", "Snakefile/x", "archived/x/workflow/x.py", "SHA256SUMS/x.csv", "README.md/x"),
)


def pack(path, names, *, mode=0o100644, method=zipfile.ZIP_DEFLATED, listed=None, content=b"x"):
    """A zip that anybody can make, with checksums that are right."""
    with zipfile.ZipFile(path, "w") as packed:
        for name in names:
            entry = zipfile.ZipInfo(name, zips.DATE)
            entry.external_attr, entry.compress_type = mode << 16, method
            packed.writestr(entry, content)
        digest = hashlib.sha256(content).hexdigest()
        sums = "".join(f"{digest}  {name}\n" for name in dict.fromkeys(names if listed is None else listed))
        packed.writestr(zips._entry(zips.SUMS), sums)
    return path


def enter(door, path, folder):
    """Take a zip in as a bundle, or unpack it as an archive."""
    if door == "bundle":
        bundle.take_in(path, folder)
    else:
        redraw.unpack(path, folder)


def refused(door, path, words="."):
    """The zip is refused in a line or two of printable text, and nothing of it is anywhere."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(AIAError, match=words) as error:
        enter(door, path, path.parent / "taken")
    assert sorted(path.parent.rglob("*")) == before
    assert len(str(error.value)) < 700
    assert str(error.value).isprintable()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("zips")


@pytest.mark.parametrize("door", DOORS)
def test_what_belongs_into_a_zip_is_taken(door, tmp_path):
    enter(door, pack(tmp_path / "good.zip", [DOORS[door]]), tmp_path / "taken")
    assert (tmp_path / "taken" / DOORS[door]).read_bytes() == b"x"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CODE_OF_THEIRS)
def test_nothing_gets_into_the_folder_that_python_or_snakemake_could_run(door, name, tmp_path):
    refused(door, pack(tmp_path / "evil.zip", [DOORS[door], name]), "does not belong")


PART = st.sampled_from(
    [*COMPONENTS, *BEYOND_ASCII, "resources", "synthetic", "calibration", "config", "archived", "x.csv"]
)
NAMES = st.one_of(
    st.lists(PART, min_size=1, max_size=6).map("/".join),
    st.tuples(
        st.sampled_from(["", "/", "//", "C:/", "\\\\host\\", "../", "./"]), st.sampled_from(sorted(DOORS.values()))
    ).map("".join),
    st.text(min_size=1, max_size=40),
    st.text(string.ascii_letters + "./\\", min_size=200, max_size=3000),
)


@pytest.mark.hostile
@pytest.mark.timeout(0)
@settings(max_examples=300 * TIMES, deadline=None)
@given(door=st.sampled_from(sorted(DOORS)), name=NAMES)
def test_a_name_is_taken_only_if_it_stays_in_the_folder_without_a_dot_in_front(place, door, name):
    path = place / "evil.zip"
    if name in (DOORS[door], zips.SUMS):
        return  # what belongs into it
    try:
        pack(path, [DOORS[door], name])
    except (ValueError, UnicodeError, struct.error):
        return  # no zip can hold it
    accepted = bundle.TABLE.fullmatch if door == "bundle" else redraw.is_content
    if not accepted(name) and not (door == "archive" and redraw.is_code(name)):
        with trial("name in a zip") as attack:
            refused(door, path)
            attack.refuse()
    if accepted(name):
        assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", part) for part in name.split("/"))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR, stat.S_IFSOCK])
def test_links_and_special_files_are_refused(door, kind, tmp_path):
    refused(door, pack(tmp_path / "evil.zip", [DOORS[door]], mode=kind | 0o777, content=b"/etc"), "only regular")


@pytest.mark.parametrize("door", DOORS)
def test_folder_entries_are_refused(door, tmp_path):
    refused(door, pack(tmp_path / "evil.zip", [DOORS[door].rpartition("/")[0] + "/"]), "does not belong")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_than_stored_and_deflate_are_refused_by_name(door, method, tmp_path):
    words = f"packed with {zipfile.compressor_names[method]}; only stored and deflated"
    refused(door, pack(tmp_path / "evil.zip", [DOORS[door]], method=method), words)


def change(path, *, central=(), local=()):
    """Set fields of the first entry, by offset in its two headers."""
    content = bytearray(path.read_bytes())
    for start, fields in ((content.index(b"PK\1\2"), central), (0, local)):
        for offset, form, value in fields:
            struct.pack_into(form, content, start + offset, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("door", DOORS)
def test_encrypted_files_are_refused(door, tmp_path):
    path = pack(tmp_path / "evil.zip", [DOORS[door]])
    refused(door, change(path, central=[(8, "<H", 1)], local=[(6, "<H", 1)]), "is encrypted")


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_method_is_refused(door, tmp_path):
    path = pack(tmp_path / "evil.zip", [DOORS[door]])
    refused(door, change(path, central=[(10, "<H", 77)], local=[(8, "<H", 77)]), "an unknown method")


@pytest.mark.parametrize("door", DOORS)
def test_the_same_name_twice_is_refused_also_where_capital_letters_alone_differ(door, tmp_path):
    name = DOORS[door]
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = pack(tmp_path / "evil.zip", [name, name])
    refused(door, path, "several files of one name")
    refused(door, pack(path, [name, name.replace("degr", "Degr")]), "several files of one name")


def test_a_name_that_is_a_file_and_a_folder_is_refused(tmp_path):
    names = [f"archived/x/{name}.csv" for name in ("a", "a.csv/b")]
    refused("archive", pack(tmp_path / "evil.zip", names), "several files of one name")


@pytest.mark.parametrize("door", DOORS)
def test_what_the_checksum_list_does_not_hold_is_refused_and_the_other_way_round(door, tmp_path):
    name = DOORS[door]
    refused(door, pack(tmp_path / "evil.zip", [name], listed=[]), "do not list the same files")
    refused(door, pack(tmp_path / "evil.zip", [name], listed=[name, name.replace("degr", "x")]), "the same files")


@pytest.mark.parametrize("door", DOORS)
def test_a_bomb_is_refused_by_the_size_that_it_announces(door, tmp_path, monkeypatch):
    path = pack(tmp_path / "bomb.zip", [DOORS[door]], content=bytes(3_000_000))
    assert path.stat().st_size < 5_000
    size = struct.pack("<I", 4_000_000_000)
    content = path.read_bytes().replace(struct.pack("<I", 3_000_000), size)
    path.write_bytes(content)
    monkeypatch.setattr(zips.shutil, "disk_usage", lambda path: type("Disk", (), {"free": 3_999_999_999}))
    refused(door, path, r"unpacks to 4\.0 GB; no more than 4\.0 GB")


def test_the_size_has_a_limit_that_can_be_raised(tmp_path):
    path = pack(tmp_path / "large.zip", [DOORS["archive"]], content=bytes(5_000))
    with pytest.raises(AIAError, match="may be unpacked"):
        redraw.unpack(path, tmp_path / "taken", most=5_000)
    redraw.unpack(path, tmp_path / "taken", most=10_000)


@pytest.mark.parametrize("door", DOORS)
def test_more_bytes_than_announced_are_not_unpacked(door, tmp_path):
    path = pack(tmp_path / "bomb.zip", [DOORS[door]], content=bytes(3_000_000))
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 3_000_000), struct.pack("<I", 1_000)))
    refused(door, path, "cannot be unpacked|checksum")


@pytest.mark.hostile
@pytest.mark.timeout(0)
@settings(max_examples=150 * TIMES, deadline=None)
@given(data=st.data())
def test_a_zip_with_changed_bytes_gives_the_same_files_or_none(place, data):
    folder = place / "mutated"
    folder.mkdir(exist_ok=True)
    content = bytearray(pack(place / "good.zip", [TABLE, TABLE.replace("degradation", "errors")]).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "mutated.zip"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    with trial("changed bytes in a zip") as attack:
        said = ""
        try:
            bundle.take_in(path, folder / "taken")
        except AIAError as error:
            said = str(error)
            attack.refuse()
        else:
            for name in ("degradation", "errors"):
                file = folder / "taken" / f"synthetic/calibration/{name}.ecsv"
                assert file.read_bytes() == b"x"
                file.unlink()
        assert not said or said.isprintable()
    assert not [path for path in folder.rglob("*") if path.is_file() and path.name != "mutated.zip"]


def test_a_folder_with_something_in_it_is_not_unpacked_into(tmp_path):
    path = pack(tmp_path / "paper.zip", [DOORS["archive"]])
    theirs = tmp_path / "paper" / ".snakemake" / "scripts" / "numpy.py"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("raise SystemExit")

    with pytest.raises(AIAError, match="is there already and not empty"):
        redraw.unpack(path, tmp_path / "paper")


def test_a_rebuild_goes_on_in_the_folder_that_it_made_and_in_no_other(tmp_path):
    path = pack(tmp_path / "paper.zip", [DOORS["archive"]])
    redraw.unpack(path, tmp_path / "paper")
    redraw.unpack(path, tmp_path / "paper")
    pack(path, [DOORS["archive"]], content=b"y")
    with pytest.raises(AIAError, match="is there already"):
        redraw.unpack(path, tmp_path / "paper")


def test_a_folder_that_somebody_unpacked_is_not_worked_in(tmp_path, capsys):
    assert redraw.main([str(tmp_path)]) == 1
    assert "name the zip file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *(
            (f"level1_cache: {path!r}\nevents: []\n", "leads out")
            for path in ("/etc", "../x", "a/../../x", "~/x", ".ssh", "a//b", "")
        ),
        *((f"tables: {path!r}\nevents: []\n", "leads out") for path in ("/etc", "../x", "~/x")),
        ("files: [a/b, /home/user/x]\nevents: []\n", "leads out"),
        ("files: ../x\nevents: []\n", "leads out"),
        *((f"events: {path!r}\n", "leads out") for path in ("/etc/passwd", "../flares.csv", "x/./../../y")),
        ("archive: {name: jsoc, url: 'https://archive.example/'}\nevents: []\n", "give the name alone"),
        ("a: &a [1, 2]\nb: *a\n", "aliases"),
        ("a: &a [*a]\n", "aliases"),
        ("x: !!python/object/apply:os.system ['true']\n", "cannot be read"),
        ("- 1\n", "no configuration"),
        ("a: [" + "[" * 100_000, "longer or deeper"),
        ("# " + "x" * redraw.MOST_CONFIG, "longer or deeper"),
    ],
)
def test_the_configuration_of_an_archive_stays_in_its_folder(tmp_path, text, words):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(AIAError, match=words):
        redraw.check_config(tmp_path / "config.yaml")


def test_each_option_that_is_free_text_is_known_to_name_a_path_or_not():
    """A new option of the configuration that names a path must be among those that an archive cannot lead out with."""
    harmless = {
        *("block", "before", "after", "ignore", "name", "start", "end", "peak", "class", "location", "where", "follow"),
        *("at", "marks", "timeout", "cube_time", "cube_rotation", "sets", "every", "lag", "base"),
        *("hosts", "program", "email_variable"),  # of an address, which no archive may bring
    }
    found = set()

    def walk(part, name=None):
        kinds = part.get("type", [])
        if name and "string" in ([kinds] if isinstance(kinds, str) else kinds) and "enum" not in part:
            found.add(name)
        for key, inner in part.get("properties", {}).items():
            walk(inner, key)
        for key in ("oneOf", "anyOf"):
            for inner in part.get(key, []):
                walk(inner, name)
        for key in ("items", "additionalProperties"):
            if isinstance(part.get(key), dict):
                walk(part[key], name)
        for key, inner in part.get("$defs", {}).items():
            walk(inner, key)

    walk(schema())
    assert found - harmless == {"events", "level1_cache", "url", "path"}
    paths = {name for name, part in schema()["properties"].items() if "#/$defs/path" in str(part)}
    assert paths <= {*redraw.PATHS}
