"""A compiled run learns what the other would have, and says in a line where there is nothing to compile with."""

import shutil

import pytest
import torch

from r2p1d_edu.errors import InputError
from r2p1d_edu.training.loop import train

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's, of its own parts
COMPILER = shutil.which("g++") or shutil.which("clang++")


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
def test_a_compiled_run_learns_the_same(recipe, tmp_path):
    changed = recipe.changed(differences=True, epochs=1, validation=0)
    run, plain = train(changed.changed(compile=True), folder=tmp_path / "run"), train(changed)
    losses, expected = ([row["loss"] for row in r.history] for r in (run, plain))
    assert losses == pytest.approx(expected, rel=1e-4)
    assert type(run.network) is type(plain.network)
    assert run.test().probabilities == pytest.approx(plain.test().probabilities, abs=1e-3)
    again = train(changed, folder=tmp_path / "run", resume=True)  # a finished run, compiled or not
    assert len(again.history) == len(run.history)


def test_without_a_compiler_a_run_is_refused_in_a_line(recipe):
    torch._dynamo.reset()
    with (
        torch._inductor.config.patch({"cpp.cxx": (None, "no-such-compiler"), "force_disable_caches": True}),
        pytest.raises(InputError, match=r"cannot be compiled here \(.*compiler.*\); train without compile"),
    ):
        train(recipe.changed(compile=True))
