"""Whether the settings that the engine has are those of the file in the repository."""

import os
from pathlib import Path

# In a shell that is set up for bare commands: the lab's copy of its stack's file. What the copy was
# made from lies next to it [operations/delivery/lab_stack.py].
_CONFIG_FILE = "PULUMI_OPTION_CONFIG_FILE"
_REPOSITORY = Path(__file__).resolve().parent.parent


def require_current_copy(repository: Path = _REPOSITORY) -> None:
    """Refuse a copy that was made before the file was changed.

    Raises ValueError with one line. The commands of this repository make the copy each time;
    a bare `pulumi up` does not.
    """
    copy = os.environ.get(_CONFIG_FILE)
    if not copy:
        return
    made_from, file = Path(f"{copy}.source"), repository / Path(copy).name
    if made_from.exists() and file.exists() and made_from.read_bytes() != file.read_bytes():
        stack = file.name.split(".")[1]
        raise ValueError(
            f"{file.name} has changed since this shell was set up, and `pulumi` would use its "
            f"previous settings: run again: "
            f'eval "$(oceanid env --stack {stack})"'
        )
