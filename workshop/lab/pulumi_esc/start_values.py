"""The operators' environments as they are at first: their keys, with values made up here."""

import secrets
import string

import yaml

from workshop.lab.pulumi_esc.organizations import Organizations

# Organization, project and environment of the operators' document of 12 October 2025, and `dev`,
# which the lab's stack names.
ENVIRONMENTS = ("goldfish-inc/oceanid-cluster/prod", "goldfish-inc/oceanid-cluster/dev")
_CAPITALS = string.ascii_uppercase + "234567"


def fill(organizations: Organizations) -> None:
    """Create the environments that are missing; leave the others alone."""
    for key in ENVIRONMENTS:
        if key not in organizations.opens():
            organizations.create(key, yaml.safe_dump({"values": _values()}))


def _values() -> dict[str, object]:
    """The keys of the same document, under `pulumiConfig` as a stack's configuration is."""
    # In the form of AWS's keys, and no keys of anything.
    access_key_id = "AKIA" + "".join(secrets.choice(_CAPITALS) for _ in range(16))
    return {
        "pulumiConfig": {
            "oceanid-cluster:aws.labelStudio.accessKeyId": {"fn::secret": access_key_id},
            "oceanid-cluster:aws.labelStudio.secretAccessKey": {
                "fn::secret": secrets.token_urlsafe(30)
            },
        }
    }
