"""What every wing's tests may use; being here, it also lets them import the helpers beside it, such as `peers`."""

import pytest
import torch
from bad_server import Server

from r2p1d_edu import download

# What takes longer than ten seconds, or starts other programs: folders and files of tests that `make check` leaves out.
SLOW = {
    *("bench", "benchmarks", "browser", "classroom", "experiments", "explorer", "site"),
    *("test_compile.py", "test_distributed.py", "test_equal_runs.py", "test_memory.py", "test_cli.py", "test_fuzz.py"),
    "test_killed.py",
}


def pytest_collection_modifyitems(items):
    """Mark them."""
    for item in items:
        if SLOW & set(item.path.parts):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Tiny networks run faster on one thread, much faster where others use the machine too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True, scope="session")
def cache_of_its_own(tmp_path_factory):
    """Frames and downloads of the tests stay out of the user's cache; subprocesses use this one too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("R2P1D_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def arrow_folder(tmp_path_factory):
    """The `arrow` dataset with one video a group, 200 in all: fold 1 trains on 144 of them and tests on 56."""
    from r2p1d_edu.video.arrow import write_arrow

    return write_arrow(tmp_path_factory.mktemp("data") / "arrow", clips_per_group=1)


@pytest.fixture
def server(monkeypatch):
    """A server on this machine with no answers yet (bad_server.py); clients ask again without a pause."""
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    yield server
    server.close()
