"""Reads a bundle of CustomResourceDefinitions and takes those of it that are wanted."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pulumi
import yaml

_SECONDS = 30


def definitions(source: str, kinds: Collection[str]) -> list[dict[str, Any]]:
    """The definitions of `kinds` in the YAML bundle at `source`, a path or a URL.

    Raises pulumi.RunError when it cannot be read or lacks one of them.
    """
    try:
        bundle = [each for each in yaml.load_all(_text(source), yaml.CSafeLoader) if each]
        found = {each["spec"]["names"]["kind"]: each for each in bundle}
    except (OSError, urllib.error.URLError) as error:
        raise pulumi.RunError(
            f"externalSecrets.customResources = {source}: cannot be read ({error}): name the "
            "bundle.yaml of the operator's release, or a copy of it"
        ) from None
    except (yaml.YAMLError, KeyError, TypeError):
        raise pulumi.RunError(
            f"externalSecrets.customResources = {source}: not a bundle of "
            "CustomResourceDefinitions: name deploy/crds/bundle.yaml of the operator's release"
        ) from None
    missing = sorted(set(kinds) - set(found))
    if missing:
        raise pulumi.RunError(
            f"externalSecrets.customResources = {source}: it lacks {', '.join(missing)}: name the "
            "bundle of the same release as the chart"
        )
    return [found[kind] for kind in kinds]


def _text(source: str) -> bytes:
    if source.startswith(("https://", "http://")):
        with urllib.request.urlopen(source, timeout=_SECONDS) as answer:  # noqa: S310  see above
            body: bytes = answer.read()
            return body
    return Path(source).read_bytes()
