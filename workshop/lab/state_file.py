"""What a stand-in keeps: one dataclass in one file, on disk before a request is answered."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from workshop.lab.private_file import write_private

S = TypeVar("S")


class StateFile(Generic[S]):
    """The state of a stand-in, for one request at a time."""

    def __init__(self, path: Path | None, initial: S) -> None:
        """`path` is the file, None for a state that ends with the process.

        Raises ValueError where the file does not hold a state such as `initial`.
        """
        self._path = path
        self._lock = threading.RLock()
        self._adapter = TypeAdapter(type(initial))
        self._state = initial
        if path is not None and path.exists():
            try:
                self._state = self._adapter.validate_json(path.read_bytes())
            except ValidationError:
                raise ValueError(f"{path} does not hold the state of this stand-in") from None

    @contextmanager
    def change(self) -> Iterator[S]:
        """The state to read and change; written when the block ends, left alone if it raises.

        A block must refuse before it changes anything.
        """
        with self._lock:
            yield self._state
            if self._path is not None:
                write_private(self._path, self._adapter.dump_json(self._state).decode())

    @contextmanager
    def view(self) -> Iterator[S]:
        with self._lock:
            yield self._state
