"""Files in a bucket in place of a disk: a server of the S3 protocol on this machine, and the workflow's files on it."""

import json
import os
import re
import subprocess
import sys

import boto3
import pytest
import warm
import yaml
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.slow

NAME = "flare"
CONFIG = {
    "events": [
        {
            "name": NAME,
            "start": "2021-07-03T14:28:00Z",
            "end": "2021-07-03T14:28:00Z",  # one frame
            "channels": [211],
            "cutout": True,
            "region": {"x": [800, 900], "y": [300, 400]},
            "figure": {"size": "one-column", "dpi": 72},
        }
    ]
}
BUCKET, PREFIX = "mission", "flares/"
# When the run began and ended, which a bucket does not tell, and the digest of the file that says it.
TIMED = {"ro-crate-metadata.json", "SHA256SUMS"}


@pytest.fixture(scope="module")
def bucket():
    """The bucket, and what tells Snakemake where it is."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address, keys = f"http://{host}:{port}", ("no", "secret")
    names = ("ENDPOINT_URL", "ACCESS_KEY", "SECRET_KEY")
    variables = {f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in zip(names, (address, *keys), strict=True)}
    session = boto3.session.Session(*keys, region_name="us-east-1")
    yield session.resource("s3", endpoint_url=address).Bucket(BUCKET), variables
    server.stop()


def run(folder, *arguments, **changes):
    """Status and words of a run, without those variables of the environment that lead to another archive."""
    folder.mkdir(exist_ok=True)
    variables = changes.pop("variables", {})
    (folder / "my.yaml").write_text(yaml.safe_dump(CONFIG | changes), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "aia_sequence", "run", "my.yaml", "--cores", "2", *arguments],
        cwd=folder,
        env=os.environ | warm.environment() | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def stored(bucket, tmp_path_factory):
    """A run whose files lie in the bucket, and a function that calls it again."""
    files, variables = bucket
    folder = tmp_path_factory.mktemp("stored")
    words = ["--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{files.name}/{PREFIX}".rstrip("/")]

    def again(*arguments, **changes):
        return run(folder, *words, *arguments, variables=variables, **changes)

    # Asked anew, so that there are marks of it: they stay on this machine, where plans look for them.
    return folder, again("--quiet", refresh=True), again


def below(files):
    """Contents of the bucket's files of the event, by name."""
    folder = f"{PREFIX}results/{NAME}/"
    found = {item.key.removeprefix(folder): item.get()["Body"].read() for item in files.objects.filter(Prefix=folder)}
    return {name: content for name, content in found.items() if not name.endswith(".snakemake_timestamp")}


def test_products_in_a_bucket_are_those_of_a_disk(bucket, stored, tmp_path):
    run(tmp_path / "local", variables=warm.environment(1))
    folder = tmp_path / "local" / "results" / NAME
    local = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".snakemake_timestamp"
    }
    remote = below(bucket[0])
    assert {"figures/211/sequence.png", "figures/211/movie.mp4", "audit.html"} <= remote.keys()
    assert remote.keys() == local.keys()
    assert {name for name in local if local[name] != remote[name]} == TIMED
    there, here = (json.loads(files["ro-crate-metadata.json"])["@graph"] for files in (remote, local))
    for graph in (there, here):
        for entity in graph:
            for key in ("startTime", "endTime", "datePublished"):
                entity.pop(key, None)
    assert there == here
    assert not (stored[0] / "results" / NAME).exists()


def test_a_repeat_has_nothing_to_do_until_something_in_the_bucket_is_gone(bucket, stored):
    _, first, again = stored
    assert f"Results: s3://{BUCKET}/{PREFIX}results" in first
    assert "Nothing would run" in again("-n")
    bucket[0].Object(f"{PREFIX}results/{NAME}/figures/211/sequence.png").delete()
    would = dict(re.findall(r"^(\w+) +1  (\w.*)$", again("-n"), re.MULTILINE))
    assert would["plot_sequence"] == "not made yet"
    assert would.keys() == {"plot_sequence", "write_audit"}
