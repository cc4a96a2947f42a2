"""The archive's memory, opened by several processes at once."""

import multiprocessing
import time

from synthetic_jsoc.holdings.store import Store


def open_each(folders, begin, failures):
    """Open a store in each folder, one every twentieth of a second from a moment on; why it failed, or nothing."""
    for number, folder in enumerate(folders):
        time.sleep(max(begin + number / 20 - time.time(), 0))
        try:
            Store(folder).close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.put(repr(error))
        else:
            failures.put(None)


def test_a_new_state_folder_can_be_opened_by_several_jobs_at_once(tmp_path):
    """The first jobs of a workflow do: tables and metadata are asked for at the same time."""
    context = multiprocessing.get_context("fork")
    failures = context.SimpleQueue()
    folders, begin = [tmp_path / str(number) for number in range(30)], time.time() + 0.3
    processes = [context.Process(target=open_each, args=(folders, begin, failures)) for _ in range(6)]
    for process in processes:
        process.start()
    found = [failures.get() for _ in processes for _ in folders]
    for process in processes:
        process.join()
    assert [reason for reason in found if reason] == []
