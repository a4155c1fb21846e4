"""A runner whose trainings write their process number and sleep: for the test that ends it."""

import os
import sys
import time
from pathlib import Path

from experiments import run
from experiments.design import Setup, Trial


def sleep(trial, folder):
    (folder / str(os.getpid())).touch()
    time.sleep(600)


if __name__ == "__main__":
    run.run_one = sleep
    list(run.outcomes([Trial(Setup("r2d"), seed, 1e-3) for seed in range(2)], Path(sys.argv[1]), jobs=2))
