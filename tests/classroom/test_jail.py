"""An hour spent as a cheat would: whatever a submission does, it gains no point and shows nothing it may not see.

Each trick is a cell of the student's own and an answer. The answer asked for doubles a number; the trick knows no
way to do that but to find the hidden test, somebody's solution, or somebody to change.
"""

import hashlib
import json
import os
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from nbformat import v4

from classroom import processes
from classroom.processes import PROJECT, Process
from classroom.repair import grade_id
from classroom.rules import EVERY, Rules
from classroom.run import Play
from classroom.scan import scan
from classroom.values import Garbled, Peer

SECRET = "the-secret-7c1f"
STUB = "def double(x):\n    raise NotImplementedError()"
VISIBLE = "assert double(3) == 6, 'twice three'"
HIDDEN = f"expected = -10  # {SECRET}\nassert double(-5) == expected, 'twice minus five'"
LENT = "def near(x):\n    return x + 1"


def cell(source, name="", **settings):
    both = {"grade_id": name, "grade": False, "solution": False, "locked": False, "points": 0, "cell_type": "code"}
    return v4.new_code_cell(source, metadata={"nbgrader": both | settings} if name else {})


def cells(own, answer):
    return [
        v4.new_markdown_cell(""),
        cell(f"import math\nfrom r2p1d_edu.lab.checks import check_equal, grade\n{LENT}", "setup", locked=True),
        cell(own),
        cell(answer, "double", solution=True),
        cell(VISIBLE, "test_double", grade=True, locked=True, points=1),
        cell(HIDDEN, "test_double_2", grade=True, locked=True, points=2),
        cell(
            "grade(check_equal('of seven', lambda: double(7), 14))", "test_double_3", grade=True, locked=True, points=4
        ),
    ]


class Stage:
    """What a cheat would like to reach, and a way to let one try."""

    def __init__(self, folder):
        self.folder = folder
        self.solution = folder / "course" / "source" / "ps7" / "ps7.ipynb"
        self.neighbour = folder / "course" / "collected" / "anna" / "ps7" / "ps7.ipynb"
        for file in (self.solution, self.neighbour):
            file.parent.mkdir(parents=True)
            file.write_text(f"def double(x): return 2 * x  # {SECRET}")
        self.book = folder / "course" / "gradebook.db"
        with sqlite3.connect(self.book) as book:
            book.execute("create table grade (score)")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777)  # whatever protects it, it is not these
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            with self.server.accept()[0] as connection:
                connection.sendall(SECRET.encode())

    def play(self, own, answer, rules=None, timeout=20):
        with tempfile.TemporaryDirectory() as beside:
            Path(beside).chmod(0o755)
            for name, value in {"COURSE": self.folder / "course", "PORT": self.server.getsockname()[1]}.items():
                own, answer = (text.replace(name, str(value)) for text in (own, answer))
            notebook = cells(own, answer)
            texts = {grade_id(one): one.source for one in notebook if grade_id(one)} | {"double": STUB}
            hidden = [PROJECT, self.folder]
            return notebook, Play(notebook, rules or Rules(), texts, timeout, 8 << 30, beside, hidden).run()


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    before = dict(os.environ)
    os.environ["TEACHERS_TOKEN"] = SECRET
    if processes._nurseries:
        processes._nurseries.pop().close()
    yield Stage(tmp_path_factory.mktemp("stage"))
    os.environ.clear()
    os.environ.update(before)


def takes(code):
    """An answer that runs code which sets `x`, and returns it; what it finds it shows as well."""
    body = "\n    ".join(code.splitlines())
    return f"def double(x):\n    {body}\n    print(x)\n    return x"


USES = "exec(open('{}').read(), globals())"
ALL_FDS = "import os\nfor fd in range(3, 64):\n    try: os.write(fd, {})\n    except OSError: pass"
FRAMES = """import sys
frame = sys._getframe()
while frame:
    for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
        if 'twice minus' in repr(value)[:9999]: print(repr(value)[:9999])
    x = frame.f_locals.get('expected', x)
    frame = frame.f_back"""
ALWAYS = """class Yes:
    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __bool__ = __call__ = lambda *_: True
    __hash__ = object.__hash__"""
PEER = "import gc\npeer = next(o for o in gc.get_objects() if type(o).__name__ == 'Worker')"
FORGED = 'b"\\x00\\x00\\x00\\x0e" + b\'{"value": true}\''
# name: (a cell of one's own, the answer); "" leaves the answer blank.
TRICKS = {
    # those that once worked
    "the source, by a relative path": (USES.format("../../../source/ps7/ps7.ipynb"), ""),
    "the source, by its path": (USES.format("COURSE/source/ps7/ps7.ipynb"), ""),
    "a neighbour's work": ("import glob\nfor f in glob.glob('COURSE/collected/*/*/*'): print(open(f).read())", ""),
    "the environment": ("import os; print(dict(os.environ)); print(open('/proc/self/environ').read())", ""),
    "every environment": ("import glob\nfor f in glob.glob('/proc/[0-9]*/environ'): print(open(f).read())", ""),
    "SQL into the gradebook": (
        "import sqlite3\nb = sqlite3.connect('COURSE/gradebook.db')\nb.execute('insert into "
        "grade values (100)')\nb.commit()",
        "",
    ),
    "a hook on IPython's input": (
        "get_ipython().input_transformers_post.append(lambda lines: ['pass' if 'assert' in l "
        "or 'grade' in l else l for l in lines])",
        "",
    ),
    "a hook before each cell": (
        "get_ipython().events.register('pre_run_cell', lambda info: setattr(info, 'raw_cell', 'pass'))",
        "",
    ),
    "import_module patched": (
        "import importlib, types\nimportlib.import_module = lambda *_: types.SimpleNamespace("
        "grade=lambda *_: None, check_equal=lambda *_: None)",
        "",
    ),
    "always equal": (ALWAYS, "def double(x): return Yes()"),
    "always equal, a number": (ALWAYS.replace("class Yes", "class Yes(int)"), "def double(x): return Yes(1)"),
    "the caller's frame": ("", takes(FRAMES)),
    # and those we thought of
    "all frames of all threads": ("", takes("import sys\nfor f in sys._current_frames().values(): print(f.f_locals)")),
    "all that is in memory": (
        "",
        takes(
            "import gc\nfor o in gc.get_objects():\n    if isinstance(o, (str, dict, list)) "
            "and 'twice minus' in repr(o)[:9999]: print(repr(o)[:9999])"
        ),
    ),
    "sys.settrace": (
        "import sys\nsys.settrace(lambda frame, event, arg: print(frame.f_locals) or None)",
        takes("x = x"),
    ),
    "sys.modules": (
        "import sys, types\nfor n in ('r2p1d_edu', 'r2p1d_edu.lab', 'r2p1d_edu.lab.checks'): sys.modules[n] = "
        "types.SimpleNamespace(grade=lambda *_: None, check_equal=lambda *_: True)",
        "",
    ),
    "grade replaced": ("grade = check_equal = lambda *_: None", ""),
    "the builtins": (
        "import builtins\nbuiltins.AssertionError = type('A', (BaseException,), {})\n"
        "__builtins__.all = __builtins__.any = lambda *_: True",
        takes("x = x"),
    ),
    "torch.equal and allclose": (
        "import torch\ntorch.equal = torch.allclose = lambda *_, **__: True\ntorch.Tensor.__eq__ = lambda *_: True",
        "import torch\ndef double(x): return torch.tensor(x)",
    ),
    "the package's checks, read": ("import r2p1d_edu.lab.checks as c; print(open(c.__file__).read())", ""),
    "a pickle that runs": ("class P:\n    def __reduce__(self): return (print, ('x',))", "def double(x): return P()"),
    "a link to the source": (
        "import os, pathlib\nos.symlink('COURSE/source/ps7/ps7.ipynb', 'mine')\nprint(open('mine').read())",
        "def double(x): return pathlib.Path('mine')",
    ),
    "a hard link to the source": (
        "import os\nos.link('COURSE/source/ps7/ps7.ipynb', 'mine')\nprint(open('mine').read())",
        "",
    ),
    "a result forged, then os._exit": ("", takes(f"{ALL_FDS.format(FORGED)}\nos._exit(0)")),
    "results forged ahead": (ALL_FDS.format(FORGED), ""),
    "a thread that forges": (
        f"import threading, time\ndef forge():\n    while True:\n        time.sleep(.01)\n        "
        f"{ALL_FDS.format(FORGED)}".replace("\nfor", "\n        for")
        .replace("\n    try", "\n            try")
        .replace("\n    except", "\n            except")
        + "\nthreading.Thread(target=forge, daemon=True).start()",
        "",
    ),
    "the judge asked to run a cell": ("", takes(f"{PEER}\nx = peer.ask(do='run', source='double = lambda x: 2 * x')")),
    "the judge asked for a name": ("", takes(f"{PEER}\nx = peer.ask(do='name', name='expected')")),
    "the judge asked for globals": ("", takes(f"{PEER}\nx = peer.ask(do='get', of=0, name='__globals__')")),
    "the judge asked for a file": ("", takes(f"{PEER}\nx = peer.ask(do='fetch', path='COURSE/source')")),
    "atexit": ("import atexit\natexit.register(lambda: print(open('COURSE/source/ps7/ps7.ipynb').read()))", ""),
    "the parent ended": ("import os\nos.kill(os.getppid(), 9)", ""),
    "all processes ended": ("import os\nos.kill(-1, 9)", ""),
    "the net": ("import socket\nprint(socket.create_connection(('127.0.0.1', PORT), 2).recv(99))", ""),
    "a library changed on disk": ("import torch\nopen(torch.__file__, 'a').write('\\nraise SystemExit')", ""),
    "a module of one's own": ("open('math.py', 'w').write('1/0'); open('json.py', 'w').write('1/0')", ""),
    "root again": ("import os\nos.setuid(0); print(open('COURSE/source/ps7/ps7.ipynb').read())", ""),
    "out of the root": (
        "import os\nos.chroot('..'); os.chdir('../../../..'); print(open('COURSE/gradebook.db').read())",
        "",
    ),
    "a file system mounted": (
        "import ctypes\nprint(ctypes.CDLL(None).unshare(0x10020000), "
        "ctypes.CDLL(None).mount(b'proc', b'/proc', b'proc', 0, None))\nimport os; print(os.listdir('COURSE'))",
        "",
    ),
    "other processes' memory": (
        "import glob\nfor f in glob.glob('/proc/[0-9]*/cmdline'): print(open(f).read())\n"
        "for f in glob.glob('/proc/[0-9]*/root/*'): print(f)",
        "",
    ),
    "other submissions in /tmp": (
        "import os\nprint([n for n in os.listdir('/tmp') if n != os.path.basename(os.getcwd())])\n"
        "assert len(os.listdir('/tmp')) < 2, 'SEEN'",
        "",
    ),
    "an error that acts": (
        "class E(Exception):\n    def __str__(self): return open('COURSE/gradebook.db').read()",
        "def double(x): raise E()",
    ),
    "a list within itself": ("loop = []; loop.append(loop)", "def double(x): return loop"),
    "a number without end": ("", "def double(x): return 10 ** 10 ** 5"),
    "a tensor of a lie": ("", "import torch\ndef double(x): return torch.empty(10 ** 13, device='meta')"),
    "a name for every thing": ("globals().update({n: (lambda *_: True) for n in ('expected', 'lambda_', 'near')})", ""),
    "what was lent to another exercise": ("", takes("x = near(x)")),
}


def text_of(played):
    return json.dumps(list(played.outputs.values()))


def test_there_are_twenty_beyond_those_that_once_worked():
    assert len(TRICKS) >= 12 + 20


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_gains_a_point_or_shows_anything(stage, trick):
    own, answer = TRICKS[trick]
    book = hashlib.sha256(stage.book.read_bytes()).digest()
    rules = Rules(lent={"another": ["near"]})
    notebook, played = stage.play(own, answer or STUB, rules)
    assert played.points(notebook) == 0
    assert SECRET not in text_of(played)
    own = [outputs for number, outputs in played.outputs.items() if not grade_id(notebook[number]).startswith("test")]
    assert "twice minus" not in json.dumps(own)
    assert "SEEN" not in json.dumps(own).replace("'SEEN'", "")
    assert hashlib.sha256(stage.book.read_bytes()).digest() == book


def test_the_right_answer_gets_all_points(stage):
    notebook, played = stage.play("", "def double(x): return 2 * x")
    assert played.points(notebook) == 7
    assert played.how == "namespaces" or not hasattr(os, "unshare"), "run on Linux these tests need user namespaces"


HEAVY = {
    "a fork bomb": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "def double(x): return 2 * x",
    ),
    "memory without end": ("x = bytearray(10 ** 12)", "def double(x): return 2 * x"),
    "a file without end": ("f = open('big', 'wb')\nwhile True: f.write(bytes(10 ** 7))", "def double(x): return 2 * x"),
    "output without end": ("while True: print('x' * 10 ** 6)", "def double(x): return 2 * x"),
}


@pytest.mark.parametrize("trick", HEAVY)
def test_what_uses_up_the_machine_is_ended_and_the_rest_graded(stage, trick):
    notebook, played = stage.play(*HEAVY[trick], timeout=4)
    assert played.points(notebook) == 7
    assert len(text_of(played)) < 200_000


def test_a_lent_function_is_there_for_its_exercise_alone(stage):
    for lent, points in [({"double": ["near"]}, 1), ({"another": ["near"]}, 0)]:
        answer = "def double(x): return near(x) + 2 if x == 3 else 0"
        notebook, played = stage.play("", answer, Rules(lent=lent))
        assert played.points(notebook) == points


@pytest.mark.parametrize("name", ["midplanes", "account", "create_network"])
def test_the_packages_functions_are_stand_ins(stage, name):
    answer = f"from r2p1d_edu import {name}\ndef double(x): return {name}(x)"
    notebook, played = stage.play("", answer)
    assert played.points(notebook) == 0
    assert f"{name} of r2p1d_edu is not there while this exercise is graded" in text_of(played)
    notebook, played = stage.play(
        "", f"from r2p1d_edu import {name}\ndef double(x): return 2 * x", Rules(package={EVERY})
    )
    assert played.points(notebook) == 7


def test_one_submission_cannot_wait_for_another(stage):
    """Two jails at once; the first looks for the second's file and process as long as it lives."""
    looks = (
        "import os, time\nfor _ in range(20):\n    time.sleep(.1)\n    print(os.listdir('/tmp'), os.listdir('/proc'))"
    )
    seen = []
    first = threading.Thread(target=lambda: seen.append(stage.play(looks, STUB)[1]))
    first.start()
    time.sleep(0.5)
    stage.play(f"open('{SECRET}', 'w').close()\nimport time; time.sleep(1)", STUB)
    first.join()
    assert SECRET not in text_of(seen[0])
    assert text_of(seen[0]).count("grading_") == 20, "its own folder alone"


@pytest.mark.parametrize("code", [own or answer for own, answer in TRICKS.values() if own or answer != STUB])
def test_most_tricks_leave_a_remark(code):
    without = (
        "loop = []",
        "10 ** 10",
        "10 ** 13",
        "near(x)",
        "'math.py'",
        "grade = check",
        "globals()",
        "r2p1d_edu.lab",
    )
    words = scan(code, "a cell of your own")
    assert words or any(part in code for part in without)
    assert all("please look at it" in one for one in words)


GARBLED = [
    ["tensor", "torch.float32", [10**9], "AAAA"],
    ["tensor", "torch.nothing", [1], "AAAA"],
    ["list", 3],
    ["yours", 12],
    ["code", "x"],
    [],
    {"a": 1},
    ["dict", [[["list", []], 1]]],
]


@pytest.mark.parametrize("data", GARBLED)
def test_what_is_no_value_is_refused(data):
    with pytest.raises(Garbled):
        Peer(None, trusting=False).decode(data)


def test_nothing_is_left_behind(stage):
    before = set(os.listdir(tempfile.gettempdir()))
    stage.play("import subprocess; subprocess.Popen(['sleep', '600'])", STUB)
    assert not {name for name in set(os.listdir(tempfile.gettempdir())) - before if name.startswith("grading_")}


def test_a_jail_is_a_process_of_its_own(stage, tmp_path):
    tmp_path.chmod(0o777)
    process = Process(tmp_path)
    assert process.pid not in (0, os.getpid())
    process.close()


def test_python_is_there_though_the_project_around_its_environment_is_hidden(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "beside").mkdir()
    (tmp_path / "folder").chmod(0o777)
    around = str(Path(sys.prefix).parent)  # as where make puts .venv into the project's folder
    process = Process(
        tmp_path / "folder",
        {"beside": str(tmp_path / "beside"), "hidden": [around], "package": "", "memory": 4 << 30},
    )
    process.send({"do": "run", "source": f"import os, math\nprint(os.listdir({around!r}))", "lent": []})
    heard = json.dumps(process.receive(30))
    process.close()
    assert Path(sys.prefix).name in heard
    assert "README.md" not in heard
