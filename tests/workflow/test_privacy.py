"""The e-mail address that JSOC asks for is in nothing that a run leaves behind, whether it ends well or not."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_plus

import pytest
import warm
import yaml
from running import Workflow
from small_archive import SmallModel, flare_request, place, settings_of

from aia_sequence.acquisition import steps
from aia_sequence.acquisition.queue import Limits
from aia_sequence.archive.client import open_archive
from aia_sequence.archive.retries import Patience
from aia_sequence.joblog import job_log
from synthetic_jsoc.protocol import server

ADDRESS = "jane.doe+aia@uni-example.edu"


def serving(folder: Path, faults: list[dict] | None = None):
    """JSOC, as far as this machine can see: everything for jsoc.stanford.edu goes through this proxy."""
    path = None
    if faults:
        path = folder / "faults.yaml"
        path.write_text(yaml.safe_dump({"faults": faults}))
    model = SmallModel(lambda: 1.7e9)
    return server.running(folder / "jsoc", faults=path, registered={ADDRESS}, model=model)


def traces(folder: Path, output: str = "") -> list[str]:
    """Files below a folder, and texts, that hold the address or a part of it that names the person."""
    spelled = [ADDRESS, quote_plus(ADDRESS), quote_plus(quote_plus(ADDRESS)), "jane.doe", "uni-example"]
    found = [f"output: {text}" for text in spelled if text in output.lower()]
    for path in folder.rglob("*"):
        if path.is_file() and "jsoc" not in path.relative_to(folder).parts[:1]:
            content = path.read_bytes().lower()
            found += [f"{path}: {text}" for text in spelled if text.encode() in content]
    return found


def acquire(folder: Path) -> None:
    """Acquire the worked example from JSOC, without much patience."""
    quick = Patience(attempts=2, first=0.01)
    with open_archive("jsoc") as opened:
        archive = replace(opened, patience=quick, polling=quick)
        wanted = flare_request(archive)
        settings = settings_of(folder, limits=Limits(timeout=0.2))
        _, delivery = steps.request(archive, wanted, settings)
        steps.download(archive, wanted, delivery, place(folder), settings)


@pytest.mark.slow
def test_a_run_from_jsoc_leaves_no_trace_of_the_address(tmp_path):
    workflow = Workflow.example(tmp_path / "run", archive="jsoc").changed(
        start="2021-07-03T14:27:20Z", end="2021-07-03T14:28:00Z"
    )
    with serving(tmp_path) as jsoc:
        run = workflow.run(
            f"results/{workflow.event['name']}/level1/211/20210703T1400.csv",
            "--verbose",
            JSOC_EMAIL=ADDRESS,
            http_proxy=jsoc.url.rstrip("/"),  # in small letters alone: questions and files take the same way
            no_proxy="",
        )
    assert run.status == 0, run.output
    assert len(list(workflow.results.rglob("*.fits"))) == 2
    assert "synthetic.invalid" not in next(workflow.results.rglob("20210703T1400.json")).read_text()
    assert traces(tmp_path, run.output) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"mode": "http500", "op": "exp_request"},
        {"mode": "html200", "op": "exp_request"},
        {"mode": "unregistered"},
        {"mode": "limit-7"},
        {"mode": "fail-4", "op": "exp_request", "text": f"Cannot mail to {ADDRESS}"},
        {"mode": "fail-4", "op": "exp_status", "text": f"Request of {ADDRESS} failed"},
        {"mode": "404", "op": "file"},
    ],
    ids=lambda fault: f"{fault['mode']}-{fault.get('op', '')}",
)
def test_a_failure_leaves_no_trace_of_the_address(tmp_path, monkeypatch, capfd, fault):
    monkeypatch.setenv("JSOC_EMAIL", ADDRESS)
    with serving(tmp_path, [fault]) as jsoc:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, jsoc.url.rstrip("/"))
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(SystemExit), job_log(tmp_path / "logs" / "job.log"):
            acquire(tmp_path)
    assert "ERROR" in (tmp_path / "logs" / "job.log").read_text()
    (tmp_path / "faults.yaml").unlink()
    assert traces(tmp_path, "".join(capfd.readouterr())) == []


def test_an_error_of_our_own_leaves_no_trace_of_the_address(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("JSOC_EMAIL", ADDRESS)
    with pytest.raises(SystemExit), job_log(tmp_path / "job.log"):
        raise RuntimeError(f"GET http://jsoc.stanford.edu/?notify={quote_plus(ADDRESS)} for {ADDRESS}")
    assert "RuntimeError" in (tmp_path / "job.log").read_text()
    assert traces(tmp_path, "".join(capfd.readouterr())) == []


def test_the_workflow_asks_for_the_address_before_the_first_job(tmp_path):
    workflow = Workflow.example(tmp_path / "run", archive="jsoc")
    environment = {name: value for name, value in os.environ.items() if name != "JSOC_EMAIL"} | warm.environment()
    done = subprocess.run(workflow.command("-n"), cwd=workflow.folder, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "JSOC_EMAIL is not set" in done.stdout + done.stderr
