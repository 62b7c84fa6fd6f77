"""Times as people read them."""

from datetime import UTC, datetime

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def parsed(text: str | None) -> datetime | None:
    """A time of Kubernetes or of the engine (RFC 3339), None for none or for what is none."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def age(moment: datetime, now: datetime) -> str:
    """The largest whole unit, such as `3 hours`; what is to come counts as now."""
    seconds = max(0, int((now - moment).total_seconds()))
    for name, size in _UNITS:
        count = seconds // size
        if count:
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "0 seconds"
