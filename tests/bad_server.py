"""What tests of downloading share: a server on this machine that behaves as well, or as badly, as a test wants."""

import hashlib
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from r2p1d_edu.download import CHUNK, download
from r2p1d_edu.errors import InputError

BODY = bytes(i * i % 251 for i in range(3 * CHUNK + 12_345))
SHA = hashlib.sha256(BODY).hexdigest()


class Server:
    """`routes` maps a path to a function that answers; `seen` has the path and the Range header of each request."""

    def __init__(self, context: ssl.SSLContext | None = None):
        self.routes, self.seen = {}, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler):
                self.seen.append((handler.path, handler.headers.get("Range")))
                self.routes[handler.path](handler)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.http.handle_error = lambda *args: None  # clients hang up on purpose
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def ranges(self):
        return [wanted for _, wanted in self.seen]

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def send(handler, body=BODY, status=200, length=None, kind="application/octet-stream", **headers):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def start_of(handler) -> int:
    return int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))


def well(handler, body=BODY, stop=None, reset=False):
    """Answer as a good server does, or hang up after byte `stop`."""
    start = start_of(handler)
    if start >= len(body):
        return send(handler, b"", 416, Content_Range=f"bytes */{len(body)}")
    partly = {"status": 206, "Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
    send(handler, body[start:stop], length=len(body) - start, **partly)
    if reset:  # an RST, not an orderly end
        handler.wfile.flush()
        time.sleep(0.05)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()


def part_of(path):
    return path.with_name(path.name + ".part")


def names(folder):
    """All that a folder holds but the file of its lock."""
    return sorted({entry.name for entry in folder.iterdir()} - {".lock"}) if folder.exists() else []


def refusal(*args, **kwargs) -> str:
    with pytest.raises(InputError) as caught:
        download(*args, progress=False, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def leave_part(path, body):
    path.parent.mkdir(exist_ok=True)
    part_of(path).write_bytes(body)
