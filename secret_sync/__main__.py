"""What an update asks about the synced secrets: `python -m secret_sync QUESTION --context C …`.

`existing NAMESPACE/NAME…` lists the Secrets of those names that External Secrets has not made or
taken over. `read NAMESPACE/NAME…` has every ExternalSecret of those names read anew and lists those
that were not, each with the operator's own reason. Both answer by one JSON list on stdout, and no
value of a Secret is ever asked for. `webhook NAMESPACE` waits until the operator's webhook answers.
Exit code 0 when the question could be answered, 2 when not, 1 when the webhook stays away.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from preflight.kubectl import Kind, Kubectl
from preflight.result import UnseenError
from secret_sync.reading import read_anew
from secret_sync.webhook import answering

# Set by the operator on every Secret that it keeps (apis/externalsecrets/v1, LabelManaged).
_MANAGED = "reconcile.external-secrets.io/managed"


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
    wanted = [tuple(each.split("/", 1)) for each in options.secrets]
    if options.question == "read":
        print(json.dumps(read_anew(cluster, wanted, seconds=options.seconds)))
        return 0
    try:
        secrets = cluster.view([Kind.SECRETS]).items(Kind.SECRETS)
    except UnseenError as error:
        print(f"secret_sync: {error}", file=sys.stderr)
        return 2
    others = [each["metadata"] for each in secrets if _is_kept_by_others(each["metadata"])]
    places = [(each["namespace"], each["name"]) for each in others]
    print(json.dumps(["/".join(place) for place in places if place in wanted]))
    return 0


def _is_kept_by_others(metadata: dict[str, Any]) -> bool:
    labels: dict[str, str] = metadata["labels"]
    return labels.get(_MANAGED) != "true"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
