"""What every command line of the project shares: one line for an error, an exit status, a progress bar."""

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from datetime import timedelta

from r2p1d_edu.errors import Diverged, InputError, first_process


class Parser(argparse.ArgumentParser):
    """argparse with errors in one line, like all others."""

    def error(self, message: str):
        """End with status 2."""
        self.exit(2, f"r2p1d_edu: {message}; see {self.prog} --help\n")


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
    """Call the `run` that the chosen command has set as a default, with its options.

    Returns:
        The exit status. 0: it went well; with one line on standard error, 1: it failed, 2: the input cannot be used,
        130: stopped with Ctrl-C.
    """
    warnings.formatwarning = lambda message, *_: f"r2p1d_edu: {message}\n"  # one line, without the code behind it
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that it has no letters for is printed all the same
            stream.reconfigure(errors="backslashreplace")
    options = vars(parser.parse_args(arguments))
    command = options.pop("run")
    try:
        return command(**options) or 0
    except (InputError, OSError) as error:
        words = str(error).strip()
        if "\n" in words:  # from a loader process, with that one's traceback before it
            words = words.splitlines()[-1].partition("Error: ")[2]
        status = 2
    except Diverged as error:
        words, status = f"training diverged at {error}", 1
    except KeyboardInterrupt:
        words, status = "stopped", 130
    except RuntimeError:
        if first_to_fail():
            raise
        return 1  # another process ended, and this one waited for it in vain
    if first_to_fail():
        print(f"r2p1d_edu: {words}", file=sys.stderr)
    return status


def first_to_fail() -> bool:
    """Whether no other of the processes that torchrun started has failed before; torchrun's store remembers it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return True
    from torch.distributed import DistError, TCPStore

    try:
        store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), timeout=timedelta(seconds=10))
        return store.add(f"r2p1d_edu/failed/{os.environ['TORCHELASTIC_RESTART_COUNT']}", 1) == 1
    except DistError:  # it has ended, and with it the run
        return first_process()


def bar(things=None, title: str = "", **options):
    """A progress bar on standard error, seen once the work has taken a second; one process in many has one."""
    from tqdm import tqdm

    return tqdm(things, title, delay=1, disable=not first_process(), **options)
