"""Convolutions come out right whatever the memory held before, with every set of instructions that this machine has.

`convolution_check.py` tries them in a new process, since oneDNN reads ONEDNN_MAX_CPU_ISA once, and since a fault may
write where it should not.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from convolution_check import REPEATED

from r2p1d_edu.cost.layers import account
from r2p1d_edu.networks.family import create_network

PROGRAM = Path(__file__).with_name("convolution_check.py")
HAS = getattr(torch.cpu, "get_capabilities", dict)()
INSTRUCTIONS = {
    # name for oneDNN: whether this processor can take it, and a word that tries fewer sizes
    "ALL": (True, ""),
    "AVX512_CORE_BF16": (HAS.get("amx_bf16", False), "fast"),  # the same as all on a processor without AMX
    "AVX512_CORE": (HAS.get("avx512_f", False), "fast"),
    "AVX2": (HAS.get("avx2", False), "fast"),
}
HERE = [name for name, (there, _) in INSTRUCTIONS.items() if there]


def run(instructions, *words):
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": instructions, "MALLOC_PERTURB_": "128", "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, PROGRAM, *words], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("name", sorted(REPEATED))
def test_what_is_left_out_is_tried_in_another_network(name):
    """The same convolutions on the same shapes as in P3D-63."""
    with torch.device("meta"):
        costs = [account(create_network(network, width=8), (3, 16, 64, 64)) for network in ("p3d63", name)]
    one, other = ({(r.kernel, r.stride, r.in_shape, r.out_shape) for r in cost.rows if r.kernel} for cost in costs)
    assert one == other


@pytest.mark.slow
@pytest.mark.parametrize("instructions", HERE)
def test_every_convolution_is_right_on_memory_that_is_not_empty(instructions):
    done = run(instructions, *INSTRUCTIONS[instructions][1].split())
    assert done.returncode == 0, done.stderr
    tried, *wrong = done.stdout.split("\n")
    assert int(re.match(r"tried (\d+), seed \d+$", tried)[1]) > 3000
    assert wrong == ["", ""], tried


@pytest.mark.slow
@pytest.mark.skipif("AVX512_CORE" not in HERE, reason="no AVX-512: its faulty kernels cannot be reached")
def test_without_the_fix_the_fault_is_seen():
    done = run("AVX512_CORE", "fast", "without-fix")
    assert done.returncode != 0 or "wrong weight gradient" in done.stdout
