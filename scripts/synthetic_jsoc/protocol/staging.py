"""Making the files of an export request before anybody asks for them, on all cores, while the request is pending.

A file that is made when it is asked for keeps its client waiting for the first byte; on a busy machine for so long that
the client gives up, asks again, and makes the machine busier.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

# A status that is asked for waits so long for the last files before it says that some are still missing.
PATIENCE_S = 15.0


class Staging:
    """Makes the files of requests, each once."""

    def __init__(self):
        self._workers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="staging")
        self._requests = {}
        self._lock = threading.Lock()

    def is_done(self, identity, makers):
        """
        Whether the files of a request are made, as far as they ever will be; begins with them if nobody has yet.

        Parameters
        ----------
        identity : str
            Id of the request.
        makers : callable
            Returns a callable for each file, which makes it.
        """
        with self._lock:
            if identity not in self._requests:
                self._requests[identity] = [self._workers.submit(make) for make in makers()]
            files = self._requests[identity]
        # One that fails fails again, and says why, when the file is asked for.
        return not wait(files, PATIENCE_S).not_done

    def close(self):
        """Finish the files that have been begun, and begin no other."""
        self._workers.shutdown(cancel_futures=True)


def makers(service, find_file, request):
    """What makes each file of a request, in its order; as many as are kept without losing others of them."""
    paths = service.store.paths(request["id"])
    bound = service.frames.limit // 2 // (service.model.megabytes("image") * 10**6)
    return [partial(_make, service, find_file, path) for path in paths[:bound]]


def _make(service, find_file, path):
    try:
        if found := find_file(service, path):
            found.open().close()
    finally:
        service.store.release()
