"""The package's schema: what import, documentation and code generation know of it."""

from __future__ import annotations

from typing import Any, Final

from providers.crunchybridge import retired_rule
from providers.crunchybridge.client import DEFAULT_URL, VERSION
from providers.crunchybridge.firewall_rule import TYPE_NAME
from providers.crunchybridge.inputs import (
    DESCRIPTION,
    KIND,
    NETWORK_ID,
    RULE,
    RULE_ID,
    TEAM_ID,
)
from providers.crunchybridge.rule import KINDS
from providers.crunchybridge.settings import API_KEY, BASE_URL
from providers.plugin.variables import CRUNCHY_API_KEY, CRUNCHYBRIDGE_BASE_URL

GET_RULES: Final = "crunchybridge:index:getFirewallRules"

_TEXT: Final = {"type": "string"}
_INPUTS: Final = {
    NETWORK_ID: {**_TEXT, "description": "The network's id. A change replaces the rule."},
    RULE: {**_TEXT, "description": "The address range in CIDR notation; an address is a /32."},
    KIND: {
        **_TEXT,
        "default": KINDS[0],
        "description": "ingress or egress. A change replaces the rule.",
    },
    DESCRIPTION: {**_TEXT, "description": "What the rule is for."},
}
_SETTINGS: Final = {
    API_KEY: {
        **_TEXT,
        "secret": True,
        "description": "An API key of the account settings.",
        "defaultInfo": {"environment": [CRUNCHY_API_KEY]},
    },
    BASE_URL: {
        **_TEXT,
        "description": f"Where the API is; {DEFAULT_URL} unless given.",
        "defaultInfo": {"environment": [CRUNCHYBRIDGE_BASE_URL]},
    },
}
_LISTED: Final = "#/types/crunchybridge:index:ListedRule"


def schema() -> dict[str, Any]:
    required = list(retired_rule.INPUTS)
    return {
        "name": "crunchybridge",
        "version": VERSION,
        "description": "The firewall rules of CrunchyBridge networks.",
        "config": {"variables": _SETTINGS},
        "provider": {"inputProperties": _SETTINGS, "properties": _SETTINGS},
        "resources": {
            TYPE_NAME: {
                "description": "An address range that a network's clusters admit.",
                "inputProperties": _INPUTS,
                "requiredInputs": required,
                "properties": {**_INPUTS, RULE_ID: _TEXT, TEAM_ID: _TEXT},
                "required": [*required, KIND, RULE_ID],
            },
            retired_rule.TYPE_NAME: {
                "description": "An address range that must not be admitted any more.",
                "inputProperties": {name: _INPUTS[name] for name in required},
                "requiredInputs": required,
                "properties": {
                    **{name: _INPUTS[name] for name in required},
                    retired_rule.REMOVED: _TEXT,
                },
                "required": [*required, retired_rule.REMOVED],
            },
        },
        "types": {
            "crunchybridge:index:ListedRule": {
                "type": "object",
                "properties": dict.fromkeys(("id", "rule", "kind", "description"), _TEXT),
                "required": ["id", "rule", "kind"],
            }
        },
        "functions": {
            GET_RULES: {
                "description": "All rules of a network, whoever made them.",
                "inputs": {"properties": {"networkId": _TEXT}, "required": ["networkId"]},
                "outputs": {
                    "properties": {"rules": {"type": "array", "items": {"$ref": _LISTED}}},
                    "required": ["rules"],
                },
            }
        },
    }
