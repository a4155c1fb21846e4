"""Values that cross from one process to another: plain data, tensors, arrays; anything else stays where it is.

Nothing is pickled, so that what comes from a submission is data and can run nothing. What is no data crosses as a
reference: the other side can call it and, if it is a submission's, look at its attributes.
"""

import base64
import builtins
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from r2p1d_edu.errors import failure

LARGEST = 100_000_000  # bytes of a message
DTYPES = {str(one): one for one in vars(torch).values() if isinstance(one, torch.dtype)}
MANY = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
MOST_FILES = 50
MOST_WORDS = 2000  # characters of an error


class Garbled(ValueError):
    """What came over is no value."""


class Peer:
    """One end of a conversation: ask, and while waiting for the answer be asked in turn.

    Args:
        connection: to the other side.
        trusting: whether the other side may ask for anything; else it may only call what it was given.
    """

    def __init__(self, connection, trusting: bool):
        self.connection, self.trusting = connection, trusting
        self.given: dict[int, object] = {}

    def send(self, message: dict) -> None:
        """Send one message."""
        self.connection.send_bytes(json.dumps(message).encode())

    def receive(self) -> dict:
        """Wait for the next message; what cannot be one becomes an empty one."""
        try:
            message = json.loads(self.connection.recv_bytes(LARGEST))
        except (ValueError, RecursionError):
            message = {}
        return message if isinstance(message, dict) else {}

    def ask(self, **request):
        """The answer to a request; what it raised on the other side is raised here."""
        self.send(request)
        while "do" in (reply := self.receive()):
            self.answer(reply)
        if "error" in reply:
            raise as_exception(reply["error"])
        return self.decode(reply.get("value"))

    def answer(self, request: dict) -> None:
        """Do what is asked for, and send the result or how it failed."""
        try:
            reply = {"value": self.encode(self.do(request))}
        except (KeyboardInterrupt, SystemExit, Exception) as error:
            reply = {"error": in_words(error)}
        try:
            self.send(reply)
        except (ValueError, TypeError, RecursionError) as error:
            self.send({"error": in_words(error)})

    def do(self, request: dict):
        """Call something that the other side was given, or look at it."""
        if self.trusting and request["do"] == "get":
            return getattr(self.given[request["of"]], request["name"])
        if request["do"] == "call":
            arguments, named = self.decode(request["args"]), self.decode(request["named"])
            return self.given[request["of"]](*arguments, **named)
        raise Garbled(f"cannot do {str(request.get('do'))[:20]!r}")

    def encode(self, value):
        """A value as JSON can hold it."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        for name, of in MANY.items():
            if isinstance(value, of):
                return [name, [self.encode(one) for one in value]]
        if isinstance(value, dict):
            return ["dict", [[self.encode(key), self.encode(one)] for key, one in value.items()]]
        if isinstance(value, torch.Tensor):
            dtype, shape = str(value.dtype), list(value.shape)
            if value.is_meta:
                return ["meta", dtype, shape]
            flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().flatten()
            return ["tensor", dtype, shape, pack(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")]
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc":
            array = np.ascontiguousarray(value)
            return [
                "array" if isinstance(value, np.ndarray) else "scalar",
                array.dtype.str,
                list(value.shape),
                pack(array),
            ]
        if isinstance(value, (bytes, range, Path, complex)):
            name = {bytes: "bytes", range: "range", complex: "complex"}.get(kind, "path")
            return [
                name,
                *{"bytes": [pack(value) if name == "bytes" else ""], "path": [str(value)]}.get(name, [repr(value)]),
            ]
        if kind.__module__ == "r2p1d_edu.training.recipe":
            return ["recipe", self.encode(asdict(value))]
        if isinstance(value, (int, float, str)):  # a subclass
            return next(of(value) for of in (int, float, str) if isinstance(value, of))
        if isinstance(value, Reference):
            return ["yours", value._number]
        self.given[id(value)] = value
        return ["reference", id(value), kind.__name__[:100], isinstance(value, torch.nn.Module)]

    def decode(self, data):
        """The value that was encoded; Garbled if it is none."""
        if data is None or isinstance(data, (bool, int, float, str)):
            return data
        try:
            name, *rest = data
            if name in MANY:
                return MANY[name](map(self.decode, rest[0]))
            if name == "dict":
                return {self.decode(key): self.decode(one) for key, one in rest[0]}
            if name == "meta":
                return torch.empty(rest[1], dtype=DTYPES[rest[0]], device="meta")
            if name == "tensor":
                content = bytearray(unpack(rest[2]))
                dtype = DTYPES[rest[0]]
                return (torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)).view(
                    rest[1]
                )
            if name in ("array", "scalar"):
                array = np.frombuffer(unpack(rest[2]), np.dtype(rest[0])).reshape(rest[1]).copy()
                return array if name == "array" else array[()]
            if name == "bytes":
                return unpack(rest[0])
            if name == "path":
                if self.trusting:
                    Path(rest[0]).parent.mkdir(parents=True, exist_ok=True)
                return Path(rest[0])
            if name == "complex":
                return complex(rest[0])
            if name == "range":
                return range(*map(int, rest[0].removeprefix("range(").removesuffix(")").split(",")))
            if name == "recipe":
                from r2p1d_edu import Recipe

                return Recipe(**self.decode(rest[0]))
            if name == "reference":
                return (Network if rest[2] and self.trusting else Reference)(self, int(rest[0]), str(rest[1]))
            if name == "yours":
                return self.given[rest[0]]
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError, RecursionError) as error:
            raise Garbled(f"what came back is no value that can be handed over ({type(error).__name__})") from None
        raise Garbled(f"what came back is no value that can be handed over ({str(name)[:20]})")


class Reference:
    """Something that lives on the other side."""

    def __init__(self, peer: Peer, number: int, kind: str):
        vars(self).update(_peer=peer, _number=number, _kind=kind)

    def __repr__(self) -> str:
        return f"<a {self._kind}>"

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._peer.ask(do="get", of=self._number, name=name)

    def __call__(self, *args, **named):
        """Call it there; files in folders that it was told of come back with the answer."""
        peer = self._peer
        result = peer.ask(do="call", of=self._number, args=peer.encode(args), named=peer.encode(named))
        if not peer.trusting:
            for path in (one for one in (*args, *named.values()) if isinstance(one, Path)):
                write_files(path, peer.ask(do="fetch", path=str(path)))
        return result


class Network(torch.nn.Module):
    """A network that lives on the other side: it can be called, and is a module like any other."""

    def __init__(self, peer: Peer, number: int, kind: str):
        super().__init__()
        vars(self).update(_far=Reference(peer, number, kind))

    def __repr__(self) -> str:
        return repr(self._far)

    def forward(self, *args):
        """Let the other side compute it."""
        return self._far(*args)


def read_files(folder: Path) -> dict[str, bytes]:
    """The files in a folder, to be handed over with an answer."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files[:MOST_FILES]}


def write_files(folder: Path, files: object) -> None:
    """Write files that were handed over, below a folder and nowhere else."""
    for name, content in files.items() if isinstance(files, dict) else ():
        if isinstance(name, str) and isinstance(content, bytes) and re.fullmatch(r"[\w-][\w.-]*", name):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def pack(content) -> str:
    """Bytes as text."""
    return base64.b64encode(content).decode()


def unpack(text: str) -> bytes:
    """Text as bytes."""
    return base64.b64decode(text)


def in_words(error: BaseException) -> dict:
    """An exception as data: its kinds, what it says, and the line of the learner's code that it came from."""
    try:
        words = str(error)[:MOST_WORDS]
        line = failure(error, ours=[__file__, __file__.replace("values.py", "worker.py")])[1]
    except Exception:
        words, line = "", ""
    return {"kinds": [kind.__name__ for kind in type(error).__mro__], "words": words, "line": line[:MOST_WORDS]}


def as_exception(error: dict) -> BaseException:
    """The exception that data describe, of a class with the same name and, if it is one of Python's, a kind of it."""
    kinds = [str(kind) for kind in error.get("kinds", [])] or ["Exception"]
    words, line = str(error.get("words", "")), str(error.get("line", ""))
    bases = [getattr(builtins, kind, None) for kind in kinds]
    base = next((one for one in bases if isinstance(one, type) and issubclass(one, BaseException)), Exception)
    if base is SystemExit:
        return SystemExit(words)
    if not issubclass(base, Exception) or issubclass(base, UnicodeError):
        base = Exception
    made = type(
        kinds[0][:100], (base,), {"__str__": lambda self: words, "learners_line": line, "__module__": "submission"}
    )
    return made(words)
