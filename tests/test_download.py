"""Downloads from a server on this machine that misbehaves in every way that servers do."""

import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest
from bad_server import BODY, SHA, Server, leave_part, names, part_of, refusal, send, start_of, well

from r2p1d_edu import download as module
from r2p1d_edu.download import CHUNK, download


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "weights.pth"


@pytest.mark.parametrize("sha256", [SHA, SHA[:8], SHA.upper(), ""])
def test_a_file_arrives_whole_under_its_own_name(server, path, sha256, capsys):
    server.routes["/f"] = well
    assert download(server.url + "/f", path, sha256, len(BODY)) == path
    assert path.read_bytes() == BODY
    assert names(path.parent) == ["weights.pth"]
    shown = capsys.readouterr().err
    assert "weights.pth" in shown
    assert "100%" in shown


def test_a_file_that_is_there_is_not_fetched_again(server, path):
    path.parent.mkdir()
    path.write_bytes(BODY)
    download(server.url + "/f", path, SHA, len(BODY))
    download(server.url + "/f", path)
    assert server.seen == []


def test_a_wrong_file_at_the_path_is_refused_and_left_alone(server, path):
    path.parent.mkdir()
    path.write_bytes(b"mine")
    assert "move it away" in refusal(server.url + "/f", path, SHA)
    assert "4 bytes instead of 5" in refusal(server.url + "/f", path, size=5)
    assert path.read_bytes() == b"mine"
    assert server.seen == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/f", "weights.pth"])
def test_only_http_and_https(url, path):
    assert "http or https" in refusal(url, path)
    assert not path.parent.exists()


# Connections that break


def free_port() -> int:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return closed.getsockname()[1]


def test_who_cannot_be_reached_is_tried_again(server, path, monkeypatch):
    tries, urlopen = [], module.urlopen

    def unsteady(*arguments, **options):
        tries.append(arguments)
        if len(tries) < 3:
            raise urllib.error.URLError(ConnectionRefusedError(111, "Connection refused"))
        return urlopen(*arguments, **options)

    monkeypatch.setattr(module, "urlopen", unsteady)
    server.routes["/f"] = well
    download(server.url + "/f", path, SHA, progress=False)
    assert path.read_bytes() == BODY
    assert len(tries) == 3


@pytest.mark.parametrize("reset", [False, True])
def test_a_dropped_connection_is_resumed(server, path, reset):
    server.routes["/f"] = lambda handler: well(handler, stop=start_of(handler) + CHUNK + 1000, reset=reset)
    download(server.url + "/f", path, SHA, progress=False)
    assert path.read_bytes() == BODY
    starts = [int(wanted.strip("bytes=-")) for wanted in server.ranges[1:]]
    assert server.ranges[0] is None
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

    def stall(handler):
        send(handler, BODY[:100], length=len(BODY))
        handler.wfile.flush()
        time.sleep(0.3)

    server.routes |= {"/mute": lambda handler: time.sleep(0.3), "/stops": stall}
    text = refusal([server.url + "/mute", server.url + "/stops"], path, SHA)
    assert text.count("timed out, after 2 tries") == 2


@pytest.mark.parametrize(
    "answer", [lambda handler: send(handler, b"", 429), lambda handler: handler.connection.close()]
)
def test_a_server_that_is_busy_or_hangs_up_is_asked_again(server, path, answer):
    server.routes["/f"] = lambda handler: answer(handler) if len(server.seen) < 3 else well(handler)
    download(server.url + "/f", path, SHA, progress=False)
    assert len(server.seen) == 3


# Mirrors


def test_a_mirror_goes_on_where_another_stopped(server, path):
    def once(handler):  # it dies for good after its first answer
        server.routes["/a"] = lambda handler: send(handler, b"", 404)
        well(handler, stop=CHUNK + 7)

    server.routes |= {"/a": once, "/b": well}
    urls = [f"http://127.0.0.1:{free_port()}/f", server.url + "/a", server.url + "/b"]
    download(urls, path, SHA, progress=False)
    assert path.read_bytes() == BODY
    assert server.seen[-1] == ("/b", f"bytes={CHUNK + 7}-")


def test_when_all_fail_the_error_names_hosts_answers_and_the_way_out(server, path):
    server.routes |= {
        "/gone": lambda handler: send(handler, b"", 404),
        "/busy": lambda handler: send(handler, b"", 503),
    }
    urls = [server.url + "/gone", server.url + "/busy", "http://name.invalid/f"]
    text = refusal(urls, path, SHA)
    host = server.url.removeprefix("http://")
    for expected in (
        f"{host}: HTTP 404 Not Found;",
        f"{host}: HTTP 503 Service Unavailable, after 5 tries",
        "name.invalid: cannot be reached",
        f"download {urls[0]} yourself and put it at {path}",
    ):
        assert expected in text
    assert names(path.parent) == []


# Servers that resume badly


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


def test_a_part_of_another_file_is_dropped(server, path):
    leave_part(path, b"x" * 1000)
    server.routes["/f"] = well
    download(server.url + "/f", path, SHA, progress=False)
    assert server.ranges == ["bytes=1000-", None]
    assert path.read_bytes() == BODY


# Wrong content


def test_a_web_page_is_not_the_file_and_does_not_cost_the_part(server, path):
    leave_part(path, BODY[:1000])
    page = b"<!DOCTYPE html><html><body>Log in</body></html>"
    server.routes |= {
        "/f": lambda handler: send(handler, page, kind="text/html; charset=utf-8"),
        "/sly": lambda handler: send(handler, page),
        "/good": well,
    }
    assert "sent a web page, not the file" in refusal(server.url + "/f", path, SHA)
    assert part_of(path).read_bytes() == BODY[:1000]
    assert f"instead of {SHA}" in refusal(server.url + "/sly", path, SHA)
    assert names(path.parent) == []
    download([server.url + "/f", server.url + "/sly", server.url + "/good"], path, SHA, progress=False)
    assert path.read_bytes() == BODY


def test_a_wrong_checksum_never_gets_the_name(server, path):
    server.routes["/f"] = lambda handler: well(handler, BODY[:-1] + b"?")
    assert "SHA-256" in refusal(server.url + "/f", path, SHA)
    assert len(server.seen) == 1
    assert names(path.parent) == []


def endless(handler, body, pause=0.0):
    """Send, until the client hangs up."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(body)
        time.sleep(pause)


@pytest.mark.parametrize(("sha256", "size"), [(SHA, 1000), ("", None)])
def test_more_than_the_size_is_not_read_to_its_end(server, path, monkeypatch, sha256, size):
    """Nor more than any file of the course has, where no size is known."""
    monkeypatch.setattr(module, "MOST", 1000)
    server.routes["/f"] = lambda handler: endless(handler, BODY)
    assert "instead of 1,000" in refusal(server.url + "/f", path, sha256, size)
    assert names(path.parent) == []


def test_a_server_that_only_drips_is_left(server, path, monkeypatch):
    """Each byte comes in time, the file never would; a server that is as fast as it has to be may take its time."""
    monkeypatch.setattr(module, "TIMEOUT", 0.3)
    monkeypatch.setattr(module, "TRIES", 2)
    server.routes["/f"] = lambda handler: endless(handler, b".", 0.01)
    assert "sends fewer than 1,000 bytes a second, after 2 tries" in refusal(server.url + "/f", path)
    assert 0 < part_of(path).stat().st_size < 1000
    monkeypatch.setattr(module, "SLOWEST", 10)
    server.routes["/f"] = well
    download(server.url + "/f", path, SHA, progress=False)


# Servers that say strange things


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # urllib forgets to close the redirect
@pytest.mark.parametrize(
    "target",
    [
        "http://[::1",
        "http://name:port/",
        "http://" + "a" * 70 + ".org/",
        "http:///f",
        "file:///etc/passwd",
        "http://ü/",
    ],
)
def test_a_redirect_to_nowhere(server, path, target):
    server.routes["/f"] = lambda handler: send(handler, b"", 302, Location=target)
    assert f"{server.url[7:]}: " in refusal(server.url + "/f", path)
    assert names(path.parent) == []


@pytest.mark.parametrize("length", ["²", "-1", "many", "1e9", ""])
def test_a_length_that_is_no_number(server, path, length):
    server.routes["/f"] = lambda handler: send(handler, length=length)
    download(server.url + "/f", path, SHA, progress=False)
    assert path.read_bytes() == BODY


def test_what_a_server_says_cannot_steer_the_terminal(server, path):
    def rude(handler):
        handler.wfile.write(b"HTTP/1.0 404 \x1b[2J\x07Gone" + b"!" * 1000 + b"\r\n\r\n")

    server.routes["/f"] = rude
    said = refusal(server.url + "/f", path)
    assert r"HTTP 404 \x1b[2J\x07Gone!!!" in said
    assert said.isprintable()
    assert len(said) < 700


# Folders that cannot be written


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_one_clear_error(server, path):
    path.parent.mkdir()
    part_of(path).symlink_to("/dev/full")
    server.routes["/f"] = well
    assert "No space left on device; free some space" in refusal(server.url + "/f", path, SHA)
    assert not path.exists()


def test_a_folder_that_is_a_file_is_one_clear_error(server, tmp_path):
    (tmp_path / "file").write_text("mine")
    text = refusal(server.url + "/f", tmp_path / "file" / "weights.pth", SHA)
    assert text.startswith(f"cannot write {tmp_path / 'file' / 'weights.pth'}: ")


# TLS is never switched off


@pytest.fixture
def secure(tmp_path, monkeypatch):
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-addext", "keyUsage=digitalSignature,keyCertSign", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server(context)
    server.certificate = certificate
    monkeypatch.setattr(urllib.request, "_opener", None)  # a kept one may have read its certificates already
    yield server
    server.close()


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(secure, path):
    secure.routes["/f"] = well
    text = refusal(secure.url + "/f", path, SHA)
    assert "certificate verify failed" in text
    assert "tries" not in text
    assert secure.seen == []


def test_a_verified_server_may_not_lead_to_an_unverified_one(secure, server, path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(secure.certificate))
    secure.routes |= {"/f": well, "/away": lambda handler: send(handler, b"", 302, Location=server.url + "/f")}
    server.routes["/f"] = well
    assert "leads away from https" in refusal(secure.url + "/away", path, SHA)
    download(secure.url + "/f", path, SHA, progress=False)
    assert path.read_bytes() == BODY
