"""One checked file from the first of several addresses that gives it.

A file grows as `<name>.part` and takes its name when it is whole and its checksum right; a broken download goes on from
its part, in the same call or a later one. pooch and torch.hub do not: with them 7 GB of UCF101 would begin again.
"""

import hashlib
import ssl
import time
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tqdm import tqdm

from r2p1d_edu.errors import InputError

TRIES, PAUSE = 5, 1.0  # connections to one address; seconds before the second, twice as many before the third, …
TIMEOUT, SLOWEST = 30, 1000  # seconds of silence; bytes a second, on average, below which a server is left
NETWORK = (OSError, HTTPException, ValueError)  # the last of addresses that are none, to which a server may lead
CHUNK, MOST = 1 << 18, 16 * 10**9  # bytes read at a time; of a file whose size nobody told


class NoSource(InputError):
    """No address gave the file; `answers` has what each of them said instead."""

    def __init__(self, message: str, answers: list[str]):
        super().__init__(message)
        self.answers = answers


class Failure(Exception):
    """An address did not give the file: (reason, whether another try may help)."""


def download(
    urls: str | Sequence[str], path: str | Path, sha256: str = "", size: int | None = None, progress: bool = True
) -> Path:
    """Fetch the file at `path` from the first of `urls` that gives it, unless it is there already.

    All `urls` (http, https) name the same file. `sha256` (hexadecimal; its first digits are enough) and `size` (bytes)
    say which one. Hold `directory_lock` where another process may want the same file.

    Raises:
        InputError: a wrong file at `path` (it is left alone), a folder that cannot be written, or a full disk.
        NoSource: no address gives the file; the message has each one's answer and what to do by hand.
    """
    urls, path = [urls] if isinstance(urls, str) else list(urls), Path(path)
    if not all(url.startswith(("http://", "https://")) for url in urls):
        raise InputError(f"{path.name} can only be downloaded from http or https addresses; got {urls}")
    part, answers = path.with_name(path.name + ".part"), []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            if wrong := mismatch(path, sha256, size):
                raise InputError(f"{path} is not the file expected there ({wrong}): move it away and try again")
            return path
        for url in urls:
            try:
                fetch(url, part, sha256, size, progress)
                return part.replace(path)
            except Failure as answer:
                answers.append(f"{urlsplit(url).netloc}: {answer.args[0]}"[:300])
        if not (have := length(part)):
            part.unlink(missing_ok=True)
    except OSError as error:  # the file system's; the network's have become Failure
        reason = error.strerror or error
        raise InputError(f"cannot write {path}: {reason}; free some space or choose another folder") from error
    raise NoSource(
        f"could not download {path.name}. {'; '.join(answers)}. Try again later ({have:,} bytes are kept), or download "
        f"{urls[0]} yourself and put it at {path}",
        answers,
    )


def length(path: Path) -> int:
    """Bytes in the file; 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def mismatch(path: Path, sha256: str, size: int | None) -> str:
    """What is wrong with the file; an empty string if nothing is."""
    have = length(path)
    if have != (size or have) or have > (size or MOST):
        return f"{have:,} bytes instead of {size or MOST:,}{'' if size else ' at most'}"
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        while sha256 and (chunk := file.read(CHUNK)):
            hasher.update(chunk)
    digest = hasher.hexdigest()[: len(sha256)]
    return f"SHA-256 {digest} instead of {sha256}" if digest != sha256.lower() else ""


def fetch(url: str, part: Path, sha256: str, size: int | None, progress: bool) -> None:
    """Complete `part` from one address, or raise Failure and keep what can be continued."""
    for attempt in range(TRIES):
        time.sleep(PAUSE * attempt)
        have = length(part)
        try:
            receive(url, part, have, size, progress)
            if not (wrong := mismatch(part, sha256, size)):
                return
            part.unlink()
            raise Failure(f"sent {wrong}", have > 0)  # what was there before may be to blame
        except Failure as failure:
            answer, again = failure.args
            if not again:
                raise
    raise Failure(f"{answer}, after {TRIES} tries", False)


def receive(url: str, part: Path, have: int, size: int | None, progress: bool) -> None:
    """Append to `part`, which has `have` bytes, what one connection brings."""
    headers = {"User-Agent": "r2p1d_edu"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        response = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416 and have:  # nothing follows: the part is whole, or wrong
            return
        raise Failure(f"HTTP {error.code} {error.reason}", error.code in (408, 429) or error.code >= 500) from None
    except NETWORK as error:
        reason = getattr(error, "reason", error)
        raise Failure(f"cannot be reached, {reason}", not isinstance(reason, ssl.SSLCertVerificationError)) from None
    with response:
        if not response.url.startswith(("https://", "http://")[: 1 + url.startswith("http:")]):
            raise Failure(f"leads away from {urlsplit(url).scheme}, to {response.url}", False)
        if response.headers.get_content_type() == "text/html":  # it must not cost the part
            raise Failure("sent a web page, not the file", False)
        start = have if response.status == 206 else 0  # a server may ignore the range and begin again
        if start and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.unlink()
            raise Failure("sent other bytes than asked for", True)
        end, deadline = size or (response.length and start + response.length), time.monotonic() + TIMEOUT
        shown = {"initial": start, "desc": part.stem, "disable": not progress}
        with open(part, "ab" if start else "wb") as raw, tqdm.wrapattr(raw, "write", end, **shown) as file:
            while start <= (size or MOST) and (chunk := read(response)):  # what is longer may have no end
                start += file.write(chunk)
                deadline += len(chunk) / SLOWEST
                if time.monotonic() > deadline:
                    raise Failure(f"sends fewer than {SLOWEST:,} bytes a second", True)
    if end and start < end:
        raise Failure(f"the connection ended after {start:,} of {end:,} bytes", True)


def read(response) -> bytes:
    """The next bytes of the connection; none at its end."""
    try:
        return response.read1(CHUNK)
    except NETWORK as error:
        raise Failure(str(error) or type(error).__name__, True) from None
