"""TLS is never switched off: certificates that nobody vouches for, and redirections out of it, are refused."""

import shutil
import ssl
import subprocess
import urllib.request

import pytest
from bad_server import BODY, SHA, Server, refusal, send, well

from r2p1d_edu.download import download


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "weights.pth"


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


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, path):
    secure.routes["/f"] = well
    assert "certificate verify failed" in refusal(secure.url + "/f", path, SHA)
    assert secure.seen == []


def test_a_verified_server_may_not_lead_to_an_unverified_one(secure, server, path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(secure.certificate))
    secure.routes |= {"/f": well, "/away": lambda handler: send(handler, b"", 302, Location=server.url + "/f")}
    server.routes["/f"] = well
    assert "leads away from https" in refusal(secure.url + "/away", path, SHA)
    download(secure.url + "/f", path, SHA, progress=False)
    assert path.read_bytes() == BODY
