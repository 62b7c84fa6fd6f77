"""Every image is named by a digest or by the tag of one exact release."""

import re
from collections.abc import Iterator

from ._model import UNKNOWN, Finding, Path, Rule, Severity, Unknown
from ._subject import Pod, Subject

# https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
_DIGEST = re.compile(r".+@[a-z0-9]+([+._-][a-z0-9]+)*:[A-Za-z0-9=_-]{32,}")
# Three numbers name one release (v1.102.3, 1.35.4-k3s1) or one day (2025-10-13).
_RELEASE = re.compile(r"(?:^|[^0-9])[0-9]+[._-][0-9]+[._-][0-9]+")
# A build number or date in one piece, or an abbreviated commit, which git gives 7 digits or more.
_BUILD = re.compile(r"[0-9]{6,}|(?=[a-f]*[0-9])[0-9a-f]{7,40}")
_SEGMENTS = re.compile(r"[._+-]")


def _fault_of(image: str) -> str | None:
    """What is wrong with the name of an image, or None. ``registry:5000/path:tag@digest``."""
    if _DIGEST.fullmatch(image):
        return None
    _, _, last = image.rpartition("/")
    _, colon, tag = last.partition(":")
    if not colon or not tag:
        return "the image has no tag, so it means whatever is newest"
    return "the image's name is none that can be pulled" if ":" in tag else _fault_of_tag(tag)


def _fault_of_tag(tag: str) -> str | None:
    segments = _SEGMENTS.split(tag.lower())
    if "latest" in segments:
        return "the image's tag means whatever is newest"
    if _RELEASE.search(tag) or any(_BUILD.fullmatch(segment) for segment in segments):
        return None
    if any(character.isdigit() for character in tag):
        return "the image's tag names a line of releases, which moves, and not one release"
    return "the image's tag is a name that moves, and not a release"


def _judge_image(image: object, where: Path) -> Iterator[Finding]:
    if image is UNKNOWN:
        yield Finding.unjudged(where)
    elif image is None or image == "":
        return  # nothing is pulled: a patch of other fields, or a template to be filled in
    elif not isinstance(image, str):
        yield Finding.fires(where, "the image is not a text")
    elif fault := _fault_of(image.strip()):
        yield Finding.fires(where, fault)


def _volumes(pod: Pod) -> Iterator[Finding]:
    """Images mounted as volumes (``volumes[].image.reference``, Kubernetes 1.31 and later)."""
    volumes = {} if isinstance(pod.spec, Unknown) else pod.spec
    listed = volumes.get("volumes")
    for position, volume in enumerate(listed if isinstance(listed, list) else ()):
        image = volume.get("image") if isinstance(volume, dict) else None
        if isinstance(image, dict):
            where = (*pod.where, "volumes", position, "image", "reference")
            yield from _judge_image(image.get("reference"), where)


def _check(subject: Subject) -> Iterator[Finding]:
    for pod in subject.pods:
        for container in pod.containers:
            if isinstance(container.body, Unknown):
                yield Finding.unjudged(container.where)
            else:
                yield from _judge_image(container.body.get("image"), (*container.where, "image"))
        yield from _volumes(pod)


# The same in RE2, which has no look-ahead, over the whole name: the tag is what follows the first
# colon after the last slash.
_TAG = "(^|/)[^/:]*:"
_CEL = (
    f"variables.images.all(i, i.matches('^{_DIGEST.pattern}$') || (!i.matches(':[^/]*:[^/]*$') && "
    f"!i.matches('(?i){_TAG}([^/]*[._+-])?latest([._+-][^/]*)?$') && ("
    f"i.matches('{_TAG}([^/]*[^0-9/])?[0-9]+[._-][0-9]+[._-][0-9]+[^/]*$') || "
    f"i.matches('{_TAG}([^/]*[._+-])?[0-9]{{6,}}([._+-][^/]*)?$') || "
    f"(i.matches('{_TAG}[^/]+$') && i.substring(i.lastIndexOf(':') + 1).lowerAscii()"
    ".replace('_', '.').replace('-', '.').replace('+', '.').split('.').exists(s, "
    "s.matches('^[0-9a-f]{7,40}$') && s.matches('[0-9]'))))))"
)

RULES = (
    Rule(
        name="pinned-image",
        severity=Severity.MEDIUM,
        description="An image must be named by a digest or by the tag of one exact release.",
        remedy="name the image by digest (name:tag@sha256:...) or by an exact version (v1.102.3)",
        source=(
            "Incident of 2025-10-13: the DaemonSet ran tailscale:latest, so nobody could say what "
            "ran; the Kubernetes documentation advises against moving tags"
        ),
        url="https://kubernetes.io/docs/concepts/containers/images/#image-names",
        limitations=(
            "A registry may let an exact tag be overwritten: only a digest is proof. An unknown "
            "volume of type image is not judged."
        ),
        check=_check,
        cel_expression=_CEL,
        tags=("supply-chain",),
    ),
)
