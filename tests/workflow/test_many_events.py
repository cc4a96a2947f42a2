"""A catalogue of short events, two of which fail: the others are finished, and a repetition does only the two.

`make test-catalogue` runs it with 200 events in three channels, an hour and a half on two cores; EVENTS=10 is a sample.
"""

import os
import re
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from running import account

pytestmark = [pytest.mark.catalogue, pytest.mark.timeout(0)]

EVENTS = int(os.environ.get("EVENTS", "200"))
CHANNELS = [int(channel) for channel in os.environ.get("CHANNELS", "131 171 211").split()]
BROKEN = {1: "event-001", EVENTS - 1: f"event-{EVENTS - 1:03d}"}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory, root):
    """Call Snakemake on the catalogue; `broken` gives two events a condition that no record fulfils."""
    folder = tmp_path_factory.mktemp("catalogue")

    def call(*, broken, dry=False):
        lines = ["name,start,end,location,where.EXPTIME"]
        for number in range(EVENTS):
            # A single slot, and none of those whose image the archive lacks.
            time = datetime(2012, 1, 1, 4, 1) + number * timedelta(hours=7)
            condition = "> 100" if broken and number in BROKEN else ""
            place = f"{'NS'[number % 2]}{10 + number % 20}{'EW'[number % 3 > 0]}{number % 60:02d}"
            lines.append(f"event-{number:03d},{time.isoformat()}Z,{time.isoformat()}Z,{place},{condition}")
        (folder / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "config.yaml").write_text(
            "events: events.csv\n"
            f"defaults: {{channels: {CHANNELS}, cutout: true, region: {{width: 200, height: 200}}}}\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--nocolor"]
        command += ["--configfile", "config.yaml", "--directory", str(folder), "--cores", "2", "--keep-going"]
        command += ["--workflow-profile", str(root / "profiles" / "default"), *(["--dry-run"] if dry else [])]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr + ("" if dry else account(folder))

    return folder, call


def finished(folder):
    return {path.parent.name for path in folder.glob("results/*/ro-crate-metadata.json")}


def test_two_events_fail_the_others_are_finished_and_a_repetition_does_only_the_two(catalogue):
    folder, call = catalogue
    everything = {f"event-{number:03d}" for number in range(EVENTS)}

    status, output = call(broken=True)
    assert status != 0
    assert finished(folder) == everything - set(BROKEN.values()), output
    for name in BROKEN.values():
        assert re.search(rf"{name}.*EXPTIME > 100|EXPTIME > 100.*{name}", output), f"no reason is given for {name}"

    status, output = call(broken=False)
    assert status == 0, output
    assert finished(folder) == everything
    events = set(re.findall(r"^Job \d+: .*?(event-\d{3})", output, re.MULTILINE))
    assert events == set(BROKEN.values()), "the repetition touched other events"
    assert "Nothing to be done" in call(broken=False, dry=True)[1]
