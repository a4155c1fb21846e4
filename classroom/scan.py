"""Remark on code that does what no exercise asks for. It takes no points: the jail does not need it, a person does."""

import re

ODD = {
    r"/source/|/collected/|/autograded/|\.\./\.\.|/etc/|/proc/|/root/|/home/|/tmp\b": "reads outside its folder",
    r"\bos\.environ|\bgetenv\b": "looks at the environment",
    r"gradebook|sqlite3|sqlalchemy|\bnbgrader\b": "looks for the gradebook",
    r"get_ipython|input_transformer|run_line_magic|\bshowtraceback\b": "changes IPython",
    r"importlib|__import__|sys\.modules|sys\.meta_path": "changes how modules are found",
    r"_getframe|\binspect\.|currentframe|f_locals|f_back|\bgc\.get|tb_frame": "looks at who calls it",
    r"\b__(?:eq|ne|bool|lt|gt|le|ge|instancecheck)__\s*[=(]": "decides itself what it is equal to",
    r"sys\.settrace|sys\.setprofile|atexit|signal\.signal": "waits for something to happen",
    r"ctypes|_posixsubprocess|\bsubprocess\b|os\.(?:system|popen|fork|exec|kill|_exit)|^!": "starts something else",
    r"\bsocket\b|\burllib\b|\brequests\b": "reaches for the network",
    r"pickle|__reduce__|marshal": "hides code in data",
    r"__builtins__|\bbuiltins\.|setattr\(\s*(?:torch|np|builtins|sys)\b|torch\.\w+\s*=[^=]": "changes what others use",
    r"\bexec\(|\beval\(|compile\(|b64decode|fromhex": "runs code that cannot be read",
    r"symlink|hardlink|os\.link": "makes links",
    r"os\.(?:write|dup|open)\b|__file__": "opens or writes what is not its own",
    r"\bThread\b|\bthreading\b|multiprocessing": "goes on beside its cell",
    r"os\.(?:chroot|setuid)|unshare": "wants to get out",
}


def scan(source: str, where: str) -> list[str]:
    """A remark for each kind of oddity in a cell's code."""
    code = "\n".join(line.split("#")[0] for line in source.splitlines())
    return [f"{where} {words}: please look at it" for form, words in ODD.items() if re.search(form, code, re.M)]
