"""Shut this process in, as far as the system lets a user do that; works without root and with it.

On Linux with user namespaces a process gets a file system of its own, in which there are Python, the system's programs
and one empty folder; no network; no sight of other processes; and limits. Elsewhere it gets the limits alone.
"""

import contextlib
import ctypes
import os
import platform
import resource
import shutil
import signal
import sys
from pathlib import Path

NEW = {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000, "ipc": 0x8000000, "host": 0x4000000, "pid": 0x20000000}
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}  # numbers of the system call, for which the C library has no name
DIE_WITH_PARENT, DUMPABLE, NO_NEW_PRIVILEGES = 1, 4, 38
NOBODY = 65534
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
PROCESSES, FILES = 128, 256
LARGEST_FILE = 200_000_000  # bytes
ALL_FILES = "400m"  # of memory, in the form of mount


def confine(folder: str, beside: str, hidden: list[str], package: str, memory: int, announce) -> str:
    """Shut this process in; it goes on as another one, to which all that follows applies.

    Args:
        folder: becomes the working folder, empty but for what is in `beside`; no other can be written to.
        hidden: folders and files that must not be seen even where they lie in one that Python needs.
        package: a folder to be seen besides; "" for none.
        memory: bytes of address space.
        announce: is called with the number of the process that goes on, as it is seen outside.

    Returns:
        "namespaces", or "limits" where the system has no namespaces for users.
    """
    how, root = "limits", os.getuid() == 0
    if sys.platform == "linux" and (namespaces(root) or namespaces(False)):
        how = "namespaces"
        new = enter_root(folder, beside, hidden, package)
        if child := os.fork():
            announce(child)
            leave_to(child)
        call("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        (new / "proc").mkdir()
        mount("proc", new / "proc", "proc", NO_SUID | NO_DEVICES | NO_EXEC, may_fail=True)
        os.chdir(new)
        ctypes.CDLL(None).syscall(PIVOT_ROOT[platform.machine()], b".", b".")
        call("umount2", b".", DETACH)
        if root and os.getuid() == 0:
            become_nobody()
            become_a_user()
        drop_capabilities()
    else:
        announce(os.getpid())
        shutil.copytree(beside, folder, dirs_exist_ok=True)
        if root and readable_for_all():
            become_nobody()
    os.chdir(folder)
    if sys.platform == "linux":
        call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    limits = {"CORE": 0, "FSIZE": LARGEST_FILE, "NOFILE": FILES, "AS": memory, "NPROC": PROCESSES}
    for name, limit in limits.items():
        try:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
        except (ValueError, OSError, AttributeError):
            continue  # macOS has no limit of address space, for one
    return how


def call(function: str, *arguments) -> None:
    """Call a function of the C library; OSError if it fails."""
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")


def namespaces(root: bool) -> bool:
    """Enter namespaces of our own, if we may; afterwards this process may mount, in them alone."""
    kinds = [number for name, number in NEW.items() if not (root and name == "user")]
    user, group = os.getuid(), os.getgid()
    try:
        call("unshare", sum(kinds))
        if not root:
            map_user(user, group)
        mount(None, "/", None, RECURSIVE | PRIVATE)  # refused where only the appearance of a namespace is allowed
    except (OSError, AttributeError):
        return False
    return platform.machine() in PIVOT_ROOT


def map_user(user: int, group: int) -> None:
    """Give the user a number in the new namespace."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {user} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {group} 1")


def become_nobody() -> None:
    """Stop being root, who could undo the limits."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    call("prctl", DUMPABLE, 1, 0, 0, 0)  # so that it may write its own map of users


def become_a_user() -> None:
    """A namespace of users as well, so that the limit of processes is this submission's own."""
    with contextlib.suppress(OSError):  # it is nobody all the same
        call("unshare", NEW["user"])
        map_user(NOBODY, NOBODY)


def readable_for_all() -> bool:
    """Whether Python can be read by somebody who is not root."""
    os.seteuid(NOBODY)
    try:
        return os.access(os.__file__, os.R_OK, effective_ids=True)
    finally:
        os.seteuid(0)


def mount(what: str | Path | None, where: str | Path, kind: str | None, flags: int, options="", may_fail=False) -> None:
    """mount(2)."""
    words = [None if one is None else str(one).encode() for one in (what, where, kind)]
    try:
        call("mount", *words, ctypes.c_ulong(flags), options.encode() or None)
    except OSError:
        if not may_fail:
            raise


def enter_root(folder: str, beside: str, hidden: list[str], package: str) -> Path:
    """A new root in memory, with the system's and Python's folders in it, to be read only."""
    root = Path(folder)  # the folder outside serves as the place to mount on
    mount("root", root, "tmpfs", NO_SUID | NO_DEVICES, f"size={ALL_FILES},mode=755")
    seen = sorted({one for one in (*SYSTEM, *DEVICES, sys.prefix, sys.base_prefix, package) if one})
    for source in seen:
        show(source, root)
    for path in hidden:
        target = root / path.lstrip("/")
        within = [one for one in seen if one.startswith(f"{path}/")]  # as the environment in the project's own folder
        if target.is_dir() and within:
            if any(path == one or path.startswith(f"{one}/") for one in seen):
                mount("empty", target, "tmpfs", NO_SUID | NO_DEVICES, "size=64k,mode=755")
                for source in within:
                    show(source, root)
        elif target.is_dir():
            mount("empty", target, "tmpfs", READ_ONLY, "size=4k")
        elif target.is_file():
            mount("/dev/null", target, None, BIND)
    inside = root / folder.lstrip("/")
    shutil.copytree(beside, inside, dirs_exist_ok=True)
    (root / "dev" / "shm").mkdir()
    (root / "tmp").mkdir(exist_ok=True)
    for path in (inside, root / "dev" / "shm", root / "tmp"):
        path.chmod(0o777)
    return root


def show(source: str, root: Path) -> None:
    """Let a folder, file or link of the system be seen in the new root, to be read only."""
    target = root / source.lstrip("/")
    if not os.path.lexists(source) or os.path.lexists(target):
        return  # below one that is there already
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.islink(source):
        target.symlink_to(os.readlink(source))
        return
    target.mkdir() if os.path.isdir(source) else target.touch()
    mount(source, target, None, BIND | RECURSIVE)
    kept = os.statvfs(source).f_flag & (NO_EXEC | NO_SUID | NO_DEVICES | 1024 | 2048)  # which no user may take away
    kept |= (1 << 21) if os.statvfs(source).f_flag & 4096 else 0
    device = 0 if source in DEVICES else NO_DEVICES
    mount(None, target, None, BIND | REMOUNT | READ_ONLY | NO_SUID | device | kept, may_fail=source in DEVICES)


def leave_to(child: int) -> None:
    """Wait for the process that does the work, and end as it does."""
    os.closerange(0, 1024)
    call("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    os.waitpid(child, 0)
    os._exit(0)


def drop_capabilities() -> None:
    """Give back what a new namespace gave, and forbid to make another."""
    Header, Data = ctypes.c_uint32 * 2, ctypes.c_uint32 * 6
    with contextlib.suppress(OSError):  # then a submission may make one, in which it can do no more than here
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
    call("capset", ctypes.byref(Header(0x20080522, 0)), ctypes.byref(Data()))
