"""Parts of Kubernetes' objects that the API server leaves out, or null, where they are empty."""

from operations.kubernetes.client import Document


def name_of(obj: Document) -> str:
    return str(obj["metadata"]["name"])


def labels_of(obj: Document) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Document) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def status_of(obj: Document) -> Document:
    return obj.get("status") or {}


def condition(obj: Document, kind: str) -> Document:
    conditions = status_of(obj).get("conditions") or []
    return next((each for each in conditions if each["type"] == kind), {})


def is_true(obj: Document, *kinds: str) -> bool:
    return any(condition(obj, kind).get("status") == "True" for kind in kinds)
