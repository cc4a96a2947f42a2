"""50 files over the loopback interface, by our transfer and by curl, with the same number of connections.

Prints rates and their ratios, and the client's seconds of CPU, which a busy machine disturbs less. "transfer" takes
files as they come, "checked" looks at the content of each meanwhile. Files are of the size of a full-disk frame.
"""

import logging
import multiprocessing
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from astropy.io import fits

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from aia_sequence.acquisition.arrival_checks import check_structure  # noqa: E402
from aia_sequence.acquisition.download import Item, fetch  # noqa: E402
from aia_sequence.archive.web import limited_web  # noqa: E402
from aia_sequence.frames.checksums import seal  # noqa: E402 - the project is not installed

FILES, CONNECTIONS, ROUNDS = 50, 4, 5
TARGET = 0.9


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


def make_files(folder: Path) -> int:
    """Write the files, all with the content of one; their total size in bytes."""
    pixels = np.random.default_rng(1).poisson(30, (4096, 4096)).astype(np.int16)
    first = folder / "0.fits"
    hdu = fits.CompImageHDU(pixels, compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(first)
    seal(first)
    for number in range(1, FILES):
        (folder / f"{number}.fits").hardlink_to(first)
    return FILES * first.stat().st_size


def client_cpu() -> float:
    """Seconds of CPU of this process, and of those that it has waited for: the server is not among them."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def by_curl(url: str, folder: Path) -> float:
    """Seconds that curl takes."""
    begin = time.perf_counter()
    subprocess.run(
        ["curl", "--no-progress-meter", "--fail", "--parallel", "--parallel-max", str(CONNECTIONS), "--remote-name-all"]
        + [f"{url}{number}.fits" for number in range(FILES)],
        cwd=folder,
        check=True,
    )
    return time.perf_counter() - begin


def by_us(url: str, folder: Path, check: bool) -> float:
    """Seconds that our transfer takes, with or without checking every file."""
    items = [Item(f"{url}{number}.fits", folder / f"{number}.fits") for number in range(FILES)]
    accept = (lambda item: check_structure(item.path)) if check else (lambda item: None)
    begin = time.perf_counter()
    with limited_web({}):
        outcome = fetch(items, accept, lambda item, reason: None, CONNECTIONS)
    assert not outcome.failed
    assert not outcome.gone
    return time.perf_counter() - begin


def main() -> None:
    if shutil.which("curl") is None:
        sys.exit("curl is not installed; there is nothing to compare with")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "source")
        source.mkdir()
        size = make_files(source)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=source))
        # In a process of its own, as an archive is: beside our transfer it would have to share Python's lock with it.
        serving = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
        serving.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        ways = {"curl": by_curl, "transfer": partial(by_us, check=False), "checked": partial(by_us, check=True)}
        seconds, cpu = {way: [] for way in ways}, {way: [] for way in ways}
        for _ in range(ROUNDS):  # in turns, so that whatever else the machine does meets all of them
            for way, run in ways.items():
                folder = Path(name, way)
                folder.mkdir()
                begin = client_cpu()
                seconds[way].append(run(url, folder))
                cpu[way].append(client_cpu() - begin)
                shutil.rmtree(folder)
        serving.terminate()
        server.server_close()
    best = {way: min(values) for way, values in seconds.items()}
    for way, value in best.items():
        print(
            f"{way:10} {value:6.2f} s  {size / value / 1e6:7.0f} MB/s  {best['curl'] / value:6.0%} of curl"
            f"  {min(cpu[way]):6.2f} s of CPU"
        )
    print(
        f"target: checked at least {TARGET:.0%} of curl, {FILES} files of {size / FILES / 1e6:.1f} MB, "
        f"{CONNECTIONS} connections"
    )


if __name__ == "__main__":
    main()
