"""What an update asks about synced secrets: `operations.secret_gate QUESTION --context C …`.

`existing NAMESPACE[/NAME]…` gives the labels of those namespaces and Secrets that are there, by
the names they were asked for. `read NAMESPACE/NAME…` has every ExternalSecret of those names read
again and lists those that were not, each with the operator's own reason. Both answer by JSON on
stdout, and no value of a Secret is ever asked for. `webhook NAMESPACE` waits until the operator's
webhook answers.
Exit code 0 when the question could be answered, 2 when not, 1 when the webhook stays away.
"""

from __future__ import annotations

import argparse
import json
import sys

from operations.errors import RequestError
from operations.kubernetes.client import Document, KubernetesClient
from operations.kubernetes.objects import labels_of
from operations.secret_gate.reading import read_again
from operations.secret_gate.webhook import answering


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    with KubernetesClient(context=options.context) as client:
        if options.question == "webhook":
            refusal = answering(client, options.namespace, seconds=options.seconds)
            if refusal is not None:
                print(f"the operator's webhook does not answer: {refusal}", file=sys.stderr)
            return int(refusal is not None)
        if options.question == "read":
            print(json.dumps(read_again(client, options.secrets, seconds=options.seconds)))
            return 0
        try:
            print(json.dumps(_existing(client, options.names)))
        except RequestError as error:
            print(f"secret gate: {error}", file=sys.stderr)
            return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m operations.secret_gate", description=__doc__, allow_abbrev=False
    )
    questions = parser.add_subparsers(dest="question", required=True)
    existing = questions.add_parser("existing", allow_abbrev=False)
    existing.add_argument("names", nargs="+", metavar="NAMESPACE[/NAME]")
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


def _existing(client: KubernetesClient, names: list[str]) -> dict[str, dict[str, str]]:
    objects = [
        *client.list_metadata("/api/v1/namespaces"),
        *client.list_metadata("/api/v1/secrets"),
    ]
    labels = {_name(entry["metadata"]): labels_of(entry) for entry in objects}
    return {name: labels[name] for name in names if name in labels}


def _name(metadata: Document) -> str:
    return "/".join(filter(None, [metadata.get("namespace"), metadata["name"]]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
