"""What an update asks about the synced secrets: `python -m secret_sync QUESTION --context C …`.

`existing NAMESPACE[/NAME]…` gives the labels of those namespaces and Secrets that are there, by
the names they were asked for. `read NAMESPACE/NAME…` has every ExternalSecret of those names read
anew and lists those that were not, each with the operator's own reason. Both answer by JSON on
stdout, and no value of a Secret is ever asked for. `webhook NAMESPACE` waits until the operator's
webhook answers.
Exit code 0 when the question could be answered, 2 when not, 1 when the webhook stays away.
"""

from __future__ import annotations

import argparse
import json
import sys

from preflight.kubectl import Kind, Kubectl
from preflight.result import UnseenError
from secret_sync.reading import read_anew
from secret_sync.webhook import answering


def main(arguments: list[str]) -> int:
    """Answer one question about the named secrets."""
    options = _parser().parse_args(arguments)
    cluster = Kubectl(context=options.context)
    if options.question == "webhook":
        refusal = answering(cluster, options.namespace, seconds=options.seconds)
        if refusal is not None:
            print(f"the operator's webhook does not answer: {refusal}", file=sys.stderr)
        return int(refusal is not None)
    if options.question == "read":
        print(json.dumps(read_anew(cluster, options.secrets, seconds=options.seconds)))
        return 0
    try:
        print(json.dumps(_existing(cluster, options.places)))
    except UnseenError as error:
        print(f"secret_sync: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m secret_sync", description=__doc__, allow_abbrev=False
    )
    questions = parser.add_subparsers(dest="question", required=True)
    existing = questions.add_parser("existing", allow_abbrev=False)
    existing.add_argument("places", nargs="+", metavar="NAMESPACE[/NAME]")
    read = questions.add_parser("read", allow_abbrev=False)
    read.add_argument("secrets", nargs="+", metavar="NAMESPACE/NAME", type=_secret)
    webhook = questions.add_parser("webhook", allow_abbrev=False)
    webhook.add_argument("namespace", metavar="NAMESPACE")
    for question in (existing, read, webhook):
        question.add_argument("--context", required=True, help="of KUBECONFIG's kubeconfig")
    for waiting in (read, webhook):
        waiting.add_argument("--seconds", type=float, default=120, help="the longest wait")
    return parser


def _secret(text: str) -> tuple[str, str]:
    namespace, _, name = text.partition("/")
    if not name:
        raise argparse.ArgumentTypeError(f"{text}: not NAMESPACE/NAME")
    return namespace, name


def _existing(cluster: Kubectl, places: list[str]) -> dict[str, dict[str, str]]:
    view = cluster.view([Kind.NAMESPACES, Kind.SECRETS])
    there = {
        each["metadata"]["name"]: each["metadata"].get("labels", {})
        for each in view.items(Kind.NAMESPACES)
    } | {
        f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["metadata"]["labels"]
        for each in view.items(Kind.SECRETS)
    }
    return {place: there[place] for place in places if place in there}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
