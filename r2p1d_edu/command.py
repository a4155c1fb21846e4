"""What every command line of the project shares: one line for an error, an exit status, a progress bar."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from r2p1d_edu.errors import Diverged, InputError


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
    options = vars(parser.parse_args(arguments))
    command = options.pop("run")
    try:
        return command(**options) or 0
    except (InputError, OSError) as error:
        words = str(error).strip()
        if "\n" in words:  # from a loader process, with that one's traceback before it
            words = words.splitlines()[-1].partition("Error: ")[2]
        print(f"r2p1d_edu: {words}", file=sys.stderr)
        return 2
    except Diverged as error:
        print(f"r2p1d_edu: training diverged at {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("r2p1d_edu: stopped", file=sys.stderr)
        return 130


def bar(things=None, title: str = "", **options):
    """A progress bar on standard error, seen once the work has taken a second; one process in many has one."""
    from tqdm import tqdm

    first = os.environ.get("RANK", "0") == "0"  # as torchrun numbers its processes
    return tqdm(things, title, delay=1, disable=not first, **options)
