"""How the stack owns one key of an object that others write to as well: by server-side apply."""

from __future__ import annotations

OWN_KEY_ANNOTATIONS = {
    # A value of the key that somebody else has written is replaced by the stack's.
    "pulumi.com/patchForce": "true",
    # By name, so that a stack whose state was lost still owns the key that it has written.
    "pulumi.com/patchFieldManager": "oceanid",
}
"""Annotations of such an object's patch resource (Pulumi's documentation, "Server-Side Apply")."""
