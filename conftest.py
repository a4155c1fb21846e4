"""For strict nbval on the lessons, wherever it is started."""

from pathlib import Path


def pytest_configure(config):
    """Of pictures inside HTML only the words are compared: the bytes depend on versions, as those of any picture do."""
    if getattr(config.option, "nbval_sanitize_with", False) is None:
        config.option.nbval_sanitize_with = str(Path(__file__).parent / "tests" / "nbval.cfg")
