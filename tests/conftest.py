"""What every wing's tests may use; being here, it also lets them import the helpers beside it, such as `peers`."""

import pytest
from bad_server import Server

from r2p1d_edu import download


@pytest.fixture
def server(monkeypatch):
    """A server on this machine with no answers yet (bad_server.py); clients ask again without a pause."""
    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    yield server
    server.close()
