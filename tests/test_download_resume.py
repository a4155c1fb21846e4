"""Downloads over connections that break, stop, or go on with the wrong bytes."""

import time

import pytest
from bad_server import BODY, SHA, leave_part, names, part_of, refusal, send, start_of, well

from r2p1d_edu import download as module
from r2p1d_edu.download import CHUNK, download


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "weights.pth"


# Connections that break


@pytest.mark.parametrize("reset", [False, True])
def test_a_dropped_connection_is_resumed(server, path, reset):
    server.routes["/f"] = lambda handler: well(handler, stop=start_of(handler) + CHUNK + 1000, reset=reset)
    download(server.url + "/f", path, SHA, progress=False)
    assert path.read_bytes() == BODY
    assert server.ranges[0] is None
    starts = [int(wanted.strip("bytes=-")) for wanted in server.ranges[1:]]
    assert len(starts) in (2, 3)
    assert starts == sorted(starts)
    assert starts[0] > 0


def test_tries_are_bounded_and_what_came_is_used_next_time(server, path):
    server.routes["/f"] = lambda handler: well(handler, stop=start_of(handler) + 100)
    text = refusal(server.url + "/f", path, SHA)
    assert "the connection ended after 500 of" in text
    assert "500 bytes are kept" in text
    assert len(server.seen) == 5
    assert names(path.parent) == ["weights.pth.part"]
    server.routes["/f"] = well
    download(server.url + "/f", path, SHA, progress=False)
    assert server.ranges[-1] == "bytes=500-"
    assert path.read_bytes() == BODY


def test_a_silent_server_is_left(server, path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.1)
    monkeypatch.setattr(module, "TRIES", 2)
    server.routes |= {"/mute": lambda handler: time.sleep(0.3), "/stops": lambda handler: stall(handler)}

    def stall(handler):
        send(handler, BODY[:100], length=len(BODY))
        handler.wfile.flush()
        time.sleep(0.3)

    text = refusal([server.url + "/mute", server.url + "/stops"], path, SHA)
    assert text.count("timed out, after 2 tries") == 2


def test_a_server_that_hangs_up_without_a_word(server, path):
    server.routes["/f"] = lambda handler: handler.connection.close()
    assert "after 5 tries" in refusal(server.url + "/f", path)
    assert len(server.seen) == 5


def test_a_busy_server_is_asked_again(server, path):
    def busy_at_first(handler):
        send(handler, b"", 429) if len(server.seen) < 3 else well(handler)

    server.routes["/f"] = busy_at_first
    download(server.url + "/f", path, SHA, progress=False)
    assert len(server.seen) == 3


# Resuming against servers that do it badly


def test_a_server_that_ignores_the_range(server, path):
    leave_part(path, BODY[:1000])
    server.routes["/f"] = send
    download(server.url + "/f", path, SHA, progress=False)
    assert server.ranges == ["bytes=1000-"]
    assert path.read_bytes() == BODY


def test_a_server_that_sends_another_range(server, path):
    """Without a checksum nothing else would show that the two pieces do not meet."""

    def elsewhere(handler):
        if start_of(handler):
            send(handler, BODY[500:], 206, Content_Range=f"bytes 500-{len(BODY) - 1}/{len(BODY)}")
        else:
            well(handler, stop=1000 if len(server.seen) == 1 else None)

    server.routes["/f"] = elsewhere
    download(server.url + "/f", path, progress=False)
    assert server.ranges == [None, "bytes=1000-", None]
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("tail", [b"", b"too much"])
def test_416_on_a_part_that_is_whole_or_too_long(server, path, tail):
    leave_part(path, BODY + tail)
    server.routes["/f"] = well
    download(server.url + "/f", path, SHA, progress=False)
    assert server.ranges == [f"bytes={len(BODY + tail)}-"] + ([None] if tail else [])
    assert path.read_bytes() == BODY


def test_416_to_a_first_request_is_a_refusal(server, path):
    server.routes["/f"] = lambda handler: send(handler, b"", 416)
    assert "HTTP 416" in refusal(server.url + "/f", path, SHA)


def test_a_part_of_another_file_is_dropped(server, path):
    leave_part(path, b"x" * 1000)
    server.routes["/f"] = well
    download(server.url + "/f", path, SHA, progress=False)
    assert server.ranges == ["bytes=1000-", None]
    assert path.read_bytes() == BODY


def test_without_a_checksum_an_old_part_is_not_used(server, path):
    leave_part(path, b"x" * 1000)
    server.routes["/f"] = well
    download(server.url + "/f", path, progress=False)
    assert server.ranges == [None]
    assert path.read_bytes() == BODY


def test_a_web_page_does_not_cost_the_part(server, path):
    leave_part(path, BODY[:1000])
    server.routes["/f"] = lambda handler: send(handler, b"<html>", kind="text/html")
    refusal(server.url + "/f", path, SHA)
    assert part_of(path).read_bytes() == BODY[:1000]
