"""Downloads from a server on this machine that misbehaves in every way that servers do."""

import socket
import subprocess
import sys
import threading
import time

import pytest
from bad_server import BODY, SHA, names, refusal, send, start_of, well

from r2p1d_edu import download as module
from r2p1d_edu.download import CHUNK, download
from r2p1d_edu.folders import cache_folder


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "weights.pth"


# What works


@pytest.mark.parametrize("sha256", [SHA, SHA[:8], SHA.upper(), None])
def test_a_file_arrives_whole_under_its_own_name(server, path, sha256):
    server.routes["/f"] = well
    assert download(server.url + "/f", path, sha256, len(BODY), progress=False) == path
    assert path.read_bytes() == BODY
    assert names(path.parent) == ["weights.pth"]


def test_a_file_that_is_there_is_not_fetched_again(server, path):
    path.parent.mkdir()
    path.write_bytes(BODY)
    before = path.stat()
    download(server.url + "/f", path, SHA, len(BODY))
    download(server.url + "/f", path)
    assert server.seen == []
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_the_final_name_appears_only_when_all_is_there(server, path):
    half, go_on = threading.Event(), threading.Event()

    def slowly(handler):
        send(handler, BODY[:CHUNK], length=len(BODY))
        handler.wfile.flush()
        half.set()
        go_on.wait(5)
        handler.wfile.write(BODY[CHUNK:])

    server.routes["/f"] = slowly
    worker = threading.Thread(target=download, args=(server.url + "/f", path, SHA, None, False))
    worker.start()
    assert half.wait(5)
    time.sleep(0.05)
    assert names(path.parent) == ["weights.pth.part"]
    go_on.set()
    worker.join()
    assert names(path.parent) == ["weights.pth"]


def test_the_bar_shows_what_is_downloaded(server, path, capsys):
    server.routes["/f"] = well
    download(server.url + "/f", path, SHA)
    shown = capsys.readouterr().err
    assert "weights.pth" in shown
    assert "100%" in shown


def test_two_who_want_the_same_file_fetch_it_once(server, path):
    """The second waits for the lock and then finds the file; without the lock both would write one part."""
    pytest.importorskip("fcntl", reason="folders are locked on POSIX systems")
    server.routes["/f"] = lambda handler: (time.sleep(0.2), well(handler))
    script = "import sys; from r2p1d_edu.download import download; download(*sys.argv[1:4], progress=False)"
    started = [subprocess.Popen([sys.executable, "-c", script, server.url + "/f", path, SHA]) for _ in range(2)]
    assert [process.wait(20) for process in started] == [0, 0]
    assert server.ranges == [None]
    assert path.read_bytes() == BODY


def test_the_cache_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("R2P1D_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("R2P1D_CACHE")
    assert "r2p1d_edu" in cache_folder().parts


# Mirrors


def test_mirrors_are_tried_in_turn(server, path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/f"
    server.routes |= {"/gone": lambda handler: send(handler, b"", 404), "/f": well}
    download([dead, server.url + "/gone", server.url + "/f"], path, SHA, progress=False)
    assert path.read_bytes() == BODY
    assert [where for where, _ in server.seen] == ["/gone", "/f"]


def test_a_mirror_goes_on_where_another_stopped(server, path):
    server.routes |= {"/a": lambda handler: well(handler, stop=CHUNK + 7), "/b": well}

    def once(handler):  # /a dies for good after its first answer
        server.routes["/a"] = lambda handler: send(handler, b"", 404)
        well(handler, stop=CHUNK + 7)

    server.routes["/a"] = once
    download([server.url + "/a", server.url + "/b"], path, SHA, progress=False)
    assert path.read_bytes() == BODY
    assert server.seen[-1] == ("/b", f"bytes={CHUNK + 7}-")


def test_without_a_checksum_mirrors_are_not_mixed(server, path, monkeypatch):
    """Half a file from one server and half from another would be nobody's file."""
    other = bytes(reversed(BODY))
    server.routes |= {"/a": lambda handler: well(handler, stop=CHUNK), "/b": lambda handler: well(handler, other)}
    monkeypatch.setattr(module, "TRIES", 1)
    download([server.url + "/a", server.url + "/b"], path, progress=False)
    assert path.read_bytes() == other


def test_when_all_fail_the_error_names_hosts_answers_and_the_way_out(server, path):
    server.routes |= {
        "/gone": lambda handler: send(handler, b"", 404),
        "/busy": lambda handler: send(handler, b"", 503),
    }
    urls = [server.url + "/gone", server.url + "/busy", "http://name.invalid/f"]
    text = refusal(urls, path, SHA)
    host = server.url.removeprefix("http://")
    for expected in (
        f"{host}: HTTP 404 Not Found",
        f"{host}: HTTP 503 Service Unavailable, after 5 tries",
        "name.invalid: cannot be reached",
        f"download {urls[0]} yourself and put it at {path}",
    ):
        assert expected in text
    assert text.count("after 5 tries") == 1  # who cannot be reached and who says no is asked once
    assert names(path.parent) == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/f", "data:,x", "weights.pth", "https:///f", []]
)
def test_only_http_and_https(url, path):
    assert "http or https" in refusal(url, path)
    assert not path.parent.exists()


# Wrong content


def test_a_length_that_is_too_small_is_mended_by_the_known_size(server, path, monkeypatch):
    def too_short(handler):
        start = start_of(handler)
        extra = {"status": 206, "Content_Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if start else {}
        send(handler, BODY[start:], length=(len(BODY) - start + 1) // 2, **extra)

    server.routes["/f"] = too_short
    monkeypatch.setattr(module, "TRIES", 30)
    download(server.url + "/f", path, SHA, len(BODY), progress=False)
    assert path.read_bytes() == BODY


def test_a_length_that_is_too_small_is_found_out_by_the_checksum(server, path):
    server.routes["/f"] = lambda handler: send(handler, length=1000)
    assert f"instead of {SHA}" in refusal(server.url + "/f", path, SHA)
    assert names(path.parent) == []


def test_a_length_that_is_too_large(server, path):
    """All the bytes come and then the connection ends: the next request learns, by 416, that nothing is missing."""

    def too_long(handler):
        well(handler) if handler.headers.get("Range") else send(handler, length=len(BODY) + 1000)

    server.routes["/f"] = too_long
    download(server.url + "/f", path, SHA, progress=False)
    assert server.ranges == [None, f"bytes={len(BODY)}-"]
    assert path.read_bytes() == BODY


def test_more_than_the_size_is_not_read_to_its_end(server, path):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(BODY)
            sent.append(len(BODY))

    server.routes["/f"] = endless
    assert "instead of 1,000" in refusal(server.url + "/f", path, SHA, size=1000)
    assert len(sent) < 100
    assert names(path.parent) == []


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("sha256", [SHA, None])
def test_a_web_page_is_not_the_file(server, path, kind, sha256):
    page = b"\n<!DOCTYPE html><html><body>Log in</body></html>"
    server.routes |= {"/f": lambda handler: send(handler, page, kind=kind), "/good": well}
    assert "sent a web page, not the file" in refusal(server.url + "/f", path, sha256)
    assert names(path.parent) == []
    download([server.url + "/f", server.url + "/good"], path, sha256, progress=False)
    assert path.read_bytes() == BODY


def test_a_wrong_checksum_never_gets_the_name(server, path):
    server.routes |= {"/f": lambda handler: well(handler, BODY[:-1] + b"?"), "/good": well}
    assert "SHA-256" in refusal(server.url + "/f", path, SHA)
    assert len(server.seen) == 1
    assert names(path.parent) == []
    download([server.url + "/f", server.url + "/good"], path, SHA, progress=False)
    assert path.read_bytes() == BODY


def test_a_wrong_file_at_the_path_is_refused_and_left_alone(server, path):
    path.parent.mkdir()
    path.write_bytes(b"mine")
    server.routes["/f"] = well
    assert "move it away" in refusal(server.url + "/f", path, SHA)
    assert "4 bytes instead of 5" in refusal(server.url + "/f", path, size=5)
    assert path.read_bytes() == b"mine"
    assert server.seen == []
