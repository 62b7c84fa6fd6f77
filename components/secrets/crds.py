"""Reads a bundle of CustomResourceDefinitions and takes those of it that are wanted."""

import urllib.request
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

import pulumi
import yaml

_SECONDS = 30


def definitions(bundle: str, kinds: Collection[str]) -> list[dict[str, Any]]:
    """The CRDs of `kinds` in the YAML file `bundle`, a path or a URL.

    Raises pulumi.RunError when it cannot be read or lacks one of them.
    """
    try:
        documents = [each for each in yaml.load_all(_text(bundle), yaml.CSafeLoader) if each]
        crds = {document["spec"]["names"]["kind"]: document for document in documents}
    except OSError as error:
        _refuse(bundle, f"cannot be read ({error})", "the bundle.yaml of the operator's release")
    except (yaml.YAMLError, KeyError, TypeError):
        rule = "not a bundle of CustomResourceDefinitions"
        _refuse(bundle, rule, "deploy/crds/bundle.yaml of the operator's release")
    if missing := sorted(set(kinds) - set(crds)):
        _refuse(bundle, f"it lacks {', '.join(missing)}", "the bundle.yaml of the chart's release")
    return [crds[kind] for kind in kinds]


def _refuse(bundle: str, rule: str, remedy: str) -> NoReturn:
    raise pulumi.RunError(f"externalSecrets.crds = {bundle}: {rule}: name {remedy}") from None


def _text(bundle: str) -> bytes:
    if bundle.startswith(("https://", "http://")):
        with urllib.request.urlopen(bundle, timeout=_SECONDS) as response:  # noqa: S310  see above
            body: bytes = response.read()
            return body
    return Path(bundle).read_bytes()
