"""`operations.report.findings --context NAME --namespace NAME [NODE=UID…]`: what gates' pods said.

Each UID is that of the node's Job. Prints a JSON object: for each node the message of its Job's
pod. An unavailable message says why; the exit code is 0 then too.
"""

import argparse
import json
import sys

from components.egress.gate_message import UNAVAILABLE
from operations.errors import RequestError
from operations.kubernetes.client import KubernetesClient
from operations.report.gate import SELECTOR, messages


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m operations.report.findings", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--context", required=True, help="a context of the kubeconfig")
    parser.add_argument("--namespace", required=True, help="where the gates' pods are")
    parser.add_argument("jobs", nargs="*", metavar="NODE=UID", help="the nodes' Jobs")
    options = parser.parse_args(arguments)
    uids = dict(job.rsplit("=", 1) for job in options.jobs)
    path = f"/api/v1/namespaces/{options.namespace}/pods"
    try:
        with KubernetesClient(context=options.context) as client:
            pods = client.list_objects(path, labelSelector=SELECTOR) if uids else []
        found = {node: "; ".join(messages(uid, pods)) for node, uid in uids.items()}
        shown = {
            node: message or f"{UNAVAILABLE}the gate's pod is gone"
            for node, message in found.items()
        }
    except RequestError as error:
        shown = dict.fromkeys(uids, f"{UNAVAILABLE}{error}")
    print(json.dumps(shown))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
