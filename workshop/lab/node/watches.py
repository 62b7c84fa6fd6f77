"""How many files and folders this machine lets a user watch at once, and whether a lab still fits.

Linux counts inotify instances per user (inotify(7)); kubelets, containerd and the control plane of
one lab take 31, and many machines allow 128. A containerd that gets none runs without pods.
"""

from pathlib import Path

from workshop.lab.home import LabError

_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_OF_A_LAB = 34


def check_room() -> None:
    """Raise LabError where a lab would not get what it needs."""
    limit, taken = int(_LIMIT.read_text()), _taken()
    if limit - taken < _OF_A_LAB:
        raise LabError(
            f"this machine lets a user watch files {limit} times at once (inotify), {taken} are "
            f"taken and real nodes need {_OF_A_LAB}: end another lab, or "
            f"`sysctl fs.inotify.max_user_instances={limit * 4}`"
        )


def _taken() -> int:
    """Instances that any process has now; most are this user's, who is root."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            descriptors = list(folder.iterdir())
        except OSError:
            continue
        count += sum(_is_watch(each) for each in descriptors)
    return count


def _is_watch(descriptor: Path) -> bool:
    try:
        return str(descriptor.readlink()) == "anon_inode:inotify"
    except OSError:
        return False
