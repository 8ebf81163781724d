"""Say where something broke without repeating what a caller typed, which messages of exceptions like to quote."""

from traceback import extract_tb


def place(error: BaseException) -> str:
    """Give the class of an exception and the line that raised it; never its message."""
    frames = extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
