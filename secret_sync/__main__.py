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
    parser = argparse.ArgumentParser(prog="python -m secret_sync", description=__doc__)
    parser.add_argument("question", choices=["existing", "read", "webhook"])
    parser.add_argument("--context", required=True, help="of the kubeconfig that KUBECONFIG names")
    parser.add_argument("--seconds", type=float, default=120, help="the longest wait")
    parser.add_argument("secrets", nargs="+", metavar="NAMESPACE[/NAME]")
    options = parser.parse_args(arguments)
    cluster = Kubectl(context=options.context)
    if options.question == "webhook":
        refusal = answering(cluster, options.secrets[0], seconds=options.seconds)
        if refusal is not None:
            print(f"the operator's webhook does not answer: {refusal}", file=sys.stderr)
        return int(refusal is not None)
    if options.question == "read":
        wanted = [tuple(each.split("/", 1)) for each in options.secrets]
        print(json.dumps(read_anew(cluster, wanted, seconds=options.seconds)))
        return 0
    try:
        print(json.dumps(_existing(cluster, options.secrets)))
    except UnseenError as error:
        print(f"secret_sync: {error}", file=sys.stderr)
        return 2
    return 0


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
