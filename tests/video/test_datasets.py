"""Datasets from a server on this machine: in place, whole and checked, or a clear line and nothing left behind."""

import errno
import os
import shutil
import zipfile

import pytest
from bad_server import names, send, well
from packed import CLASSES, LAYOUTS, PATHS, published, split_lists, subset, tar, video, whole, zipped

from r2p1d_edu import download as downloading
from r2p1d_edu.cli import main
from r2p1d_edu.errors import InputError
from r2p1d_edu.video import archives, datasets
from r2p1d_edu.video.archives import ArchiveError
from r2p1d_edu.video.datasets import get_dataset
from r2p1d_edu.video.decode import VideoError
from r2p1d_edu.video.ucf101 import LISTS, load_split


@pytest.fixture(scope="session")
def content(tmp_path_factory):
    """One video, which plays every part."""
    return video(tmp_path_factory.mktemp("video"))


@pytest.fixture
def to(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def said():
    return []


def serve(server, path, body):
    server.routes[path] = lambda handler: well(handler, body)
    return server.url + path


@pytest.fixture
def bodies(content):
    return {"/small": tar(subset(content)), "/lists": split_lists(), "/a": zipped(whole(content))}


@pytest.fixture
def hub(server, bodies, monkeypatch, said, to):
    """All archives published on the local server; calling it gets a dataset from there."""
    small, lists, large = ((body, serve(server, path, body)) for path, body in bodies.items())
    monkeypatch.setitem(datasets.ARCHIVES, "ucf101-subset", (published("small.tar.gz", *small),))
    monkeypatch.setitem(datasets.ARCHIVES, "split lists", (published("lists.zip", *lists),))
    monkeypatch.setitem(datasets.ARCHIVES, "ucf101", (published("a.zip", *large, checked=False),))
    return lambda name: get_dataset(name, to, say=said.append)


def refusal(get, name) -> str:
    with pytest.raises(InputError) as caught:
        get(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def asked(server):
    return [path for path, _ in server.seen]


def check(folder, name):
    """Every video in its place; three folds that keep groups apart."""
    assert names(folder) == [LISTS, "videos"]
    here = {path.relative_to(folder / "videos").as_posix() for path in (folder / "videos").rglob("*.avi")}
    assert here == set(PATHS)
    for fold, tested in ((1, {"01", "02"}), (2, {"08"}), (3, {"15"})):
        split = load_split(folder / "videos", fold=fold)
        assert split.title == f"{name} fold {fold}"
        assert split.classes == tuple(CLASSES)
        assert split.absent == 0
        assert {video.group.partition("/")[2] for video in split.test} == tested
        assert len(split.train) + len(split.test) == len(PATHS)


# What works


@pytest.mark.parametrize("name", ["ucf101-subset", "ucf101"])
def test_a_dataset_arrives_and_is_not_fetched_again(hub, server, to, said, name):
    assert hub(name) == to / name
    check(to / name, name)
    assert names(to) == [name]  # no archive and no part is left
    before = len(server.seen)
    assert hub(name) == to / name
    assert len(server.seen) == before
    assert said == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_archives_of_every_layout(hub, server, content, to, layout):
    serve(server, "/a", zipped(whole(content, layout)))
    hub("ucf101")
    check(to / "ucf101", "ucf101")


def test_what_was_put_there_by_hand_is_used_and_kept(hub, server, content, to, said):
    (to / "downloads").mkdir(parents=True)
    (to / "downloads" / "a.zip").write_bytes(zipped(whole(content)))
    hub("ucf101")
    check(to / "ucf101", "ucf101")
    assert asked(server) == ["/lists"]
    assert names(to / "downloads") == ["a.zip"]
    assert said == [f"{to / 'downloads' / 'a.zip'} has been unpacked and is not needed any more"]


def test_the_command(hub, to, capsys):
    assert main(["data", "ucf101-subset", "--to", str(to)]) == 0
    ready = capsys.readouterr().out
    assert ready.splitlines()[-1].startswith(f"{to / 'ucf101-subset'}: ready; python -m r2p1d_edu train --videos ")
    assert main(["data", "ucf101-subset", "--to", str(to)]) == 0
    assert capsys.readouterr().out == ready


def test_progress_is_shown_step_by_step(hub, to):
    steps = []
    get_dataset("ucf101-subset", to, progress=lambda things, title, unit: steps.append((title, len(things))) or things)
    assert steps == [("unpacking", len(PATHS)), ("checking", len(PATHS))]


# Servers that misbehave


@pytest.mark.parametrize(("name", "path"), [("ucf101-subset", "/small"), ("ucf101", "/a")])
def test_a_broken_download_goes_on_in_the_next_call(hub, server, bodies, to, monkeypatch, name, path):
    """With a checksum or without one."""
    server.routes[path] = lambda handler: well(handler, bodies[path], stop=2000, reset=True)
    monkeypatch.setattr(downloading, "TRIES", 1)
    assert "Try again later" in refusal(hub, name)
    assert names(to) == ["downloads"]
    (part,) = (to / "downloads").iterdir()
    have = part.stat().st_size
    assert part.suffix == ".part"
    assert 0 < have <= 2000
    serve(server, path, bodies[path])
    hub(name)
    assert server.seen[-1] == (path, f"bytes={have}-")
    check(to / name, name)
    assert names(to) == [name]


BAD = {
    "web page": (lambda handler, body: send(handler, b"<html>Log in</html>", kind="text/html"), "sent a web page"),
    "gone": (lambda handler, body: send(handler, b"", 404), "HTTP 404 Not Found"),
    "ignores ranges and drops": (
        lambda handler, body: send(handler, body[:3000], length=len(body)),
        "ended after 3,000",
    ),
    "short length": (lambda handler, body: send(handler, body, length=3000), "ended after 3,000"),
    "other content": (lambda handler, body: send(handler, body[:-1] + b"?"), "instead of"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_subset_that_does_not_come_right(hub, server, bodies, to, monkeypatch, bad):
    answer, expected = BAD[bad]
    server.routes["/small"] = lambda handler: answer(handler, bodies["/small"])
    monkeypatch.setattr(downloading, "TRIES", 2)
    text = refusal(hub, "ucf101-subset")
    assert text.startswith("could not get ucf101-subset. ")
    assert expected in text
    assert f"download {server.url}/small yourself, put it at {to / 'downloads' / 'small.tar.gz'}" in text
    assert names(to) in ([], ["downloads"])
    assert not (to / "ucf101-subset").exists()
    serve(server, "/small", bodies["/small"])
    hub("ucf101-subset")
    check(to / "ucf101-subset", "ucf101-subset")


def test_the_first_sound_mirror_is_taken(hub, server, content, to, monkeypatch):
    flipped = bytearray(zipped(whole(content)))
    flipped[flipped.index(content) + len(content) // 2] ^= 1
    lacking = {name: body for name, body in whole(content).items() if "g15" not in name}
    swapped = {name: b"no video at all" if "g08" in name else body for name, body in whole(content).items()}
    outside = whole(content) | {"../../evil.avi": content}
    bodies = [bytes(flipped), zipped(lacking), zipped(swapped), zipped(outside), zipped(whole(content))[:-2000]]
    bodies += [b"<html>Quota exceeded</html>", zipped(whole(content)), b"never asked for"]
    mirrors = [
        published(f"{i}.zip", body, serve(server, f"/{i}", body), checked=False) for i, body in enumerate(bodies)
    ]
    monkeypatch.setitem(datasets.ARCHIVES, "ucf101", tuple(mirrors))
    hub("ucf101")
    check(to / "ucf101", "ucf101")
    assert asked(server) == ["/lists", "/0", "/1", "/2", "/3", "/4", "/5", "/6"]
    assert names(to) == ["ucf101"]
    assert names(to.parent) == ["data"]


def test_when_no_mirror_serves_the_line_says_why_and_what_to_do(hub, server, content, to, monkeypatch):
    lacking = zipped({name: body for name, body in whole(content).items() if "HandStand" not in name})
    mirrors = (
        published("gone.zip", b"", server.url + "/gone", checked=False),
        published("b.zip", lacking, serve(server, "/b", lacking), checked=False),
    )
    server.routes["/gone"] = lambda handler: send(handler, b"", 404)
    monkeypatch.setitem(datasets.ARCHIVES, "ucf101", mirrors)
    text = refusal(hub, "ucf101")
    for expected in (
        "could not get ucf101. ",
        "HTTP 404 Not Found",
        "b.zip: 5 of 15 videos are not in it, such as HandstandPushups/v_HandStandPushups_g",
        f"download {server.url}/gone yourself, put it at {to / 'downloads' / 'gone.zip'} and try again",
        "data/README.md",
    ):
        assert expected in text
    assert names(to) == []


def test_a_wrong_archive_of_yours_is_refused_and_kept(hub, to):
    (to / "downloads").mkdir(parents=True)
    for name in ("a.zip", "small.tar.gz"):
        (to / "downloads" / name).write_bytes(b"mine")
    assert "a.zip: not a tar or zip file, or damaged" in refusal(hub, "ucf101")
    assert "small.tar.gz is not the file expected there" in refusal(hub, "ucf101-subset")
    assert [path.read_bytes() for path in (to / "downloads").iterdir()] == [b"mine", b"mine"]
    assert names(to) == ["downloads"]


# What is there already


@pytest.mark.parametrize("name", ["ucf101-subset", "ucf101"])
def test_a_folder_of_yours_is_left_alone(hub, server, to, name):
    (to / name).mkdir(parents=True)
    (to / name / "thesis.txt").write_text("mine")
    assert refusal(hub, name) == f"{to / name}: already holds something else; move it away or choose another folder"
    assert (to / name / "thesis.txt").read_text() == "mine"
    shutil.rmtree(to / name)
    (to / name).write_text("mine")
    assert "already holds something else" in refusal(hub, name)
    assert server.seen == []
    (to / name).unlink()
    (to / name).mkdir()  # an empty folder may be filled
    hub(name)
    check(to / name, name)


def test_a_dataset_with_holes_is_named_and_left_alone(hub, server, to):
    hub("ucf101")
    (to / "ucf101" / "videos" / PATHS[6]).unlink()
    before = len(server.seen)
    assert f"1 of 15 listed videos are missing, such as {PATHS[6]}; move" in refusal(hub, "ucf101")
    assert len(server.seen) == before
    assert len(list((to / "ucf101").rglob("*.avi"))) == 14


def test_a_dataset_put_there_by_hand_counts(hub, server, to):
    """With the files of HandstandPushups named as some mirrors do."""
    hub("ucf101")
    for path in (to / "ucf101" / "videos" / "HandstandPushups").iterdir():
        path.rename(path.with_name(path.name.replace("HandStand", "Handstand")))
    before = len(server.seen)
    assert hub("ucf101") == to / "ucf101"
    assert len(server.seen) == before


# Disks and stops


def test_room_is_looked_for_before_anything_is_fetched(hub, server, to, monkeypatch):
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 0, 20_000))
    text = refusal(hub, "ucf101-subset")
    assert text.startswith(f"{to / 'downloads'}: small.tar.gz needs 0.0 GB there and 0.0 GB are free; free some space")
    assert server.seen == []
    assert names(to) == []


@pytest.mark.parametrize("stop", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["zipfile.ZipFile.extract", "os.replace", "r2p1d_edu.video.datasets.read_frames"])
def test_a_full_disk_or_a_stop_leaves_the_archive_and_nothing_half_done(hub, server, to, monkeypatch, stop, where):
    (to / "ucf101").mkdir(parents=True)
    extract, rename = zipfile.ZipFile.extract, os.replace

    def fail(*arguments):
        if where.endswith("extract") and "ucfTrain" in arguments[1].filename:
            return extract(*arguments)
        if where == "os.replace" and "videos" not in str(arguments[1]):
            return rename(*arguments)
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr(where, fail)
        with pytest.raises((InputError, KeyboardInterrupt)) as caught:
            hub("ucf101")
    if isinstance(stop, OSError):
        assert str(caught.value).startswith(f"cannot write {to / 'ucf101'}: No space left on device; free some space")
    assert names(to) == ["downloads", "ucf101"]
    assert names(to / "ucf101") == []
    assert names(to / "downloads") == ["a.zip"]
    hub("ucf101")
    check(to / "ucf101", "ucf101")
    assert asked(server).count("/a") == 1


def test_one_video_in_a_hundred_may_fail_and_is_named(tmp_path, monkeypatch, said):
    def read(path, indices):
        if path.name in bad:
            raise VideoError("no")

    paths, bad = [f"Archery/{number}.avi" for number in range(200)], {"7.avi", "9.avi"}
    monkeypatch.setattr(datasets, "read_frames", read)
    datasets.decode_each(tmp_path, tmp_path / "a.zip", paths, datasets.in_silence, said.append)
    assert said == ["note: 2 of 200 videos cannot be decoded and will be left out: Archery/7.avi, Archery/9.avi"]
    bad.add("8.avi")
    with pytest.raises(ArchiveError, match=r"a\.zip: 3 of 200 videos cannot be decoded, such as Archery/7\.avi"):
        datasets.decode_each(tmp_path, tmp_path / "a.zip", paths, datasets.in_silence, said.append)


# What is published


def test_the_table_of_archives_is_sound():
    every = [archive for archives in datasets.ARCHIVES.values() for archive in archives]
    for archive in every:
        assert all(url.startswith("https://") and url.endswith(f"/{archive.name}") for url in archive.urls)
        assert len(archive.sha256 or "0" * 64) == 64
    assert len({archive.name for archive in every}) == len(every) == 5
    assert every[0].size % 512 == 0  # a plain tar
    with pytest.raises(InputError, match="unknown dataset 'hmdb'; choose one of arrow, ucf101-subset, ucf101"):
        get_dataset("hmdb")
