"""The package's schema: what import, documentation and code generation know of it."""

from typing import Any, Final

from providers.crunchybridge.client import DEFAULT_URL, VERSION
from providers.crunchybridge.firewall_rule import TYPE_NAME
from providers.crunchybridge.retired_rule import TYPE_NAME as RETIRED
from providers.plugin.variables import CRUNCHY_API_KEY, CRUNCHYBRIDGE_BASE_URL

GET_RULES: Final = "crunchybridge:index:getFirewallRules"

_TEXT: Final = {"type": "string"}
_INPUTS: Final = {
    "networkId": {**_TEXT, "description": "The network's id. A change replaces the rule."},
    "rule": {**_TEXT, "description": "The address range in CIDR notation; an address is a /32."},
    "kind": {
        **_TEXT,
        "default": "ingress",
        "description": "ingress or egress. A change replaces the rule.",
    },
    "description": {**_TEXT, "description": "What the rule is for."},
}
_SETTINGS: Final = {
    "apiKey": {
        **_TEXT,
        "secret": True,
        "description": "An API key of the account settings.",
        "defaultInfo": {"environment": [CRUNCHY_API_KEY]},
    },
    "baseUrl": {
        **_TEXT,
        "description": f"Where the API is; {DEFAULT_URL} unless given.",
        "defaultInfo": {"environment": [CRUNCHYBRIDGE_BASE_URL]},
    },
}
_LISTED: Final = "#/types/crunchybridge:index:ListedRule"


def schema() -> dict[str, Any]:
    required = ["networkId", "rule"]
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
                "properties": {**_INPUTS, "ruleId": _TEXT, "teamId": _TEXT},
                "required": [*required, "kind", "ruleId"],
            },
            RETIRED: {
                "description": "An address range that must not be admitted any more.",
                "inputProperties": {name: _INPUTS[name] for name in required},
                "requiredInputs": required,
                "properties": {**{name: _INPUTS[name] for name in required}, "removed": _TEXT},
                "required": [*required, "removed"],
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
