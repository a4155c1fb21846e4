"""The project's own papers: what they say must be so."""

import ast
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import r2p1d_edu
from classroom.__main__ import make_parser as classroom_parser
from experiments.__main__ import make_parser as experiments_parser
from r2p1d_edu.cli import make_parser

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def environment():
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_the_conda_part_is_python_and_pip_in_words_that_conda_understands(environment):
    rattler = pytest.importorskip("rattler")
    conda = [line for line in environment["dependencies"] if isinstance(line, str)]
    specs = {spec.name.normalized: spec for spec in map(rattler.MatchSpec, conda)}
    assert set(specs) == {"python", "pip"}
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f">={oldest}" in str(specs["python"].version)


def test_the_pip_part_is_what_make_installs(environment):
    [pip] = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    [line] = pip
    extras = re.fullmatch(r"-e \.\[(.+)\]", line)[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    assert f"EXTRAS ?= {','.join(extras)}\n" in (ROOT / "Makefile").read_text()


def test_no_version_is_pinned():
    extras = PROJECT["optional-dependencies"].values()
    for requirement in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]:
        assert not set("=<") & set(requirement.replace(">=", "")), f"{requirement}: a course must run on what is new"
        assert ">=" in requirement, f"{requirement}: from which version on?"


def readme_commands():
    text = README.replace("\\\n", " ")
    lines = re.findall(r"^python -m (r2p1d_edu|classroom|experiments) (.+)$", text, re.M)
    return [(program, re.split(r" {3,}", line)[0]) for program, line in lines]


def test_the_readme_shows_commands():
    commands = {"doctor", "data", "cache", "table", "train", "evaluate", "grid", "verdicts", "assignments", "grade"}
    assert {line.split()[0] for _, line in readme_commands()} == commands
    assert "\npython -m benchmarks  " in README


@pytest.mark.parametrize(("program", "line"), readme_commands())
def test_every_command_in_the_readme_can_be_given(program, line):
    parsers = {"r2p1d_edu": make_parser, "classroom": classroom_parser, "experiments": experiments_parser}
    parsers[program]().parse_args(shlex.split(line))


def test_the_numbers_of_the_page_on_clusters_are_those_that_are_worked_out():
    spec = importlib.util.spec_from_file_location("cluster", ROOT / "docs" / "cluster.py")
    sys.modules["cluster"] = cluster = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cluster)
    text = (ROOT / "docs" / "cluster.md").read_text("utf-8")
    assert text.split(cluster.MARKS[0])[1].split(cluster.MARKS[1])[0] == cluster.tables(), "run python docs/cluster.py"
    torchrun = re.findall(r"^torchrun .*? -m r2p1d_edu (train .+)$", text.replace("\\\n", " "), re.M)
    for line in torchrun:
        make_parser().parse_args(shlex.split(line.replace("…", "").replace("$more", "--resume")))
    assert len(torchrun) == 3


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "README.zh-CN.md",
        "SECURITY.md",
        "docs/cluster.md",
        "CONTRIBUTING.md",
        "data/README.md",
        "notebooks/assignments/README.md",
    ],
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text()):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_python_in_the_readme_is_right():
    lines = re.search(r"```python\n(.+?)```", README, re.S)[1].splitlines()
    names = {name: getattr(r2p1d_edu, name) for name in ("account", "create_network", "midplanes")}
    for line in filter(None, lines[1:]):
        code, _, comment = line.partition("#")
        value = eval(code, dict(names))
        if number := re.match(r" (\d+):", comment):
            assert value == int(number[1])


def test_every_lesson_is_in_the_readme():
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"(notebooks/{notebook.name})" in README


def test_names_of_the_package_are_all_there_and_an_editor_finds_each_where_it_is():
    for name in r2p1d_edu.__all__:
        assert getattr(r2p1d_edu, name) is not None
    [block] = [node for node in ast.parse(Path(r2p1d_edu.__file__).read_text("utf-8")).body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {node.names[0].asname: node.module.removeprefix("r2p1d_edu.") for node in imports} == r2p1d_edu._HOME
    assert r2p1d_edu.__version__ == PROJECT["version"]
    assert {"__version__", *r2p1d_edu.__all__} == set(dir(r2p1d_edu))
    with pytest.raises(AttributeError, match="create_network"):
        _ = r2p1d_edu.nonsense


def test_the_package_is_imported_in_no_time():
    """Nothing else is: neither torch nor, what takes 10 ms, typing."""
    code = "import sys; before = set(sys.modules); import r2p1d_edu; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert set(done.stdout.split()) - {"importlib", "importlib._bootstrap", "warnings"} == {"r2p1d_edu"}
