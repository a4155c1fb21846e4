"""One checked file from the first of several addresses that gives it.

A file grows as `<name>.part` and takes its name when it is whole and its checksum right; a broken download goes on from
its part in the next call. Processes that want files in one folder take turns.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tqdm import tqdm

from r2p1d_edu.errors import InputError
from r2p1d_edu.folders import alone_in

TRIES, PAUSE = 5, 1.0  # connections to one address; seconds before the second, twice as many before the third, …
TIMEOUT, CHUNK = 30, 1 << 18  # seconds of silence; bytes
PAGE = "sent a web page, not the file"


class NoSource(InputError):
    """No address gave the file; `answers` has what each of them said instead."""

    def __init__(self, message: str, answers: list[str]):
        super().__init__(message)
        self.answers = answers


class Refused(Exception):
    """This address does not give the file; another may."""


class Dropped(Exception):
    """The connection broke, or the server was busy: trying again may help."""


def download(
    urls: str | Sequence[str],
    path: str | Path,
    sha256: str | None = None,
    size: int | None = None,
    progress=True,
    resume: bool = False,
) -> Path:
    """Fetch the file at `path` from the first of `urls` (http, https) that gives it, unless it is there already.

    `sha256` (hexadecimal; its first digits are enough) and `size` (bytes) say which file is the right one. Without
    them any file at `path` will do, and a download without `sha256` starts from nothing in each call, unless `resume`
    says that all addresses have the same file and that the caller will find out if they have not.

    Raises:
        InputError: a wrong file at `path` (it is left alone), a folder that cannot be written, or a full disk.
        NoSource: no address gives the file; the message has each one's answer and what to do by hand.
    """
    urls, path = [urls] if isinstance(urls, str) else list(urls), Path(path)
    if not urls or not all(urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname for url in urls):
        raise InputError(f"{path.name} can only be downloaded from http or https addresses; got {urls}")
    part, answers = path.with_name(path.name + ".part"), []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone_in(path.parent):
            if path.exists():
                if wrong := misfit(path, sha256, size):
                    raise InputError(f"{path} is not the file expected there ({wrong}): move it away and try again")
                return path
            for url in urls:
                if not (sha256 or resume):
                    part.unlink(missing_ok=True)
                try:
                    fetch(url, part, sha256, size, progress)
                    os.replace(part, path)
                    return path
                except Refused as answer:
                    answers.append(f"{urlsplit(url).netloc}: {answer}")
            if part.exists() and not ((sha256 or resume) and part.stat().st_size):
                part.unlink()
            kept = f" ({part.stat().st_size:,} bytes are kept)" if part.exists() else ""
    except OSError as error:  # the file system's; the network's have become Refused
        reason = error.strerror or error
        raise InputError(f"cannot write {path}: {reason}; free some space or choose another folder") from error
    raise NoSource(
        f"could not download {path.name}. {'; '.join(answers)}. Try again later{kept}, or download {urls[0]} yourself"
        f" and put it at {path}",
        answers,
    )


def misfit(path: Path, sha256: str | None, size: int | None) -> str:
    """What is wrong with the file; an empty string if nothing is."""
    if size is not None and path.stat().st_size != size:
        return f"{path.stat().st_size:,} bytes instead of {size:,}"
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        while sha256 and (chunk := file.read(CHUNK)):
            hasher.update(chunk)
    digest = hasher.hexdigest()[: len(sha256 or "")]
    return f"SHA-256 {digest} instead of {sha256}" if sha256 and digest != sha256.lower() else ""


def fetch(url: str, part: Path, sha256: str | None, size: int | None, progress: bool) -> None:
    """Complete `part` from one address, or raise Refused and leave what may still be of use."""
    for attempt in range(TRIES):
        time.sleep(PAUSE * attempt)
        have = part.stat().st_size if part.exists() else 0
        try:
            receive(url, part, have, size, progress)
        except Dropped as error:
            answer = error
        else:
            if not (answer := misfit(part, sha256, size)):
                return
            os.truncate(part, 0)
            if not have:
                raise Refused(f"sent {answer}")
    raise Refused(f"{answer}, after {TRIES} tries")


def receive(url: str, part: Path, have: int, size: int | None, progress: bool) -> None:
    """Append to `part`, which has `have` bytes, what one connection brings."""
    headers = {"User-Agent": "r2p1d_edu"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        response = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416 and have:  # nothing follows: the part is whole, or wrong
            return
        kind = Dropped if error.code in (408, 429) or error.code >= 500 else Refused
        raise kind(f"HTTP {error.code} {error.reason}") from None
    except URLError as error:
        raise Refused(f"cannot be reached, {error.reason}") from None
    except (OSError, HTTPException) as error:
        raise Dropped(str(error) or type(error).__name__) from None
    with response:
        if url.startswith("https:") and not response.url.startswith("https:"):
            raise Refused(f"leads away from https, to {response.url}")
        start = have if response.status == 206 else 0  # a server may ignore the range and begin again
        if not response.headers.get("Content-Range", "bytes 0-").startswith(f"bytes {start}-"):
            os.truncate(part, 0)
            raise Dropped("sent other bytes than asked for")
        if response.headers.get_content_type() == "text/html":
            raise Refused(PAGE)
        length = response.headers.get("Content-Length", "")
        end = size or (start + int(length) if length.isdigit() else None)
        bar = tqdm(total=end, initial=start, unit="B", unit_scale=True, desc=part.stem, disable=not progress)
        with bar, open(part, "ab" if start else "wb") as file:
            while start <= (size or start):  # what is longer than `size` may have no end
                try:
                    chunk = response.read1(CHUNK)
                except (OSError, HTTPException) as error:
                    raise Dropped(str(error) or type(error).__name__) from None
                if not chunk:
                    break
                if start == 0 and chunk.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
                    raise Refused(PAGE)
                start += file.write(chunk)
                bar.update(len(chunk))
    if end is not None and start < end:
        raise Dropped(f"the connection ended after {start:,} of {end:,} bytes")
