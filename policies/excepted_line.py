"""How a finding's line says that a dated exception covers it, for who writes and who reads it."""

_MARK = " (excepted "


def marked(line: str, reason: str | None) -> str:
    """The line with the exception's reason at its end; unchanged without one."""
    return line if reason is None else f"{line}{_MARK}{reason})"


def parted(line: str) -> tuple[str, str | None]:
    """A line that `marked` has written: the finding, and the exception's reason."""
    finding, _, reason = line.partition(_MARK)
    return finding, reason.removesuffix(")") or None
