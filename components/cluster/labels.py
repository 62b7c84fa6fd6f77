"""Labels and names by which the parts of the egress path find each other."""

GATEWAY = "oceanid-gateway"
GATEWAY_CREDENTIAL = f"{GATEWAY}-credential"
PART_OF = "app.kubernetes.io/part-of"
GATEWAY_LABELS = {"app.kubernetes.io/name": GATEWAY, PART_OF: "oceanid"}
EXIT_NODE_LABELS = {"app.kubernetes.io/name": "tailscale-exit-node", PART_OF: "oceanid"}
CHECK_LABELS = {"app.kubernetes.io/name": "oceanid-egress-check", PART_OF: "oceanid"}

LONGEST_LABEL = 63
"""Kubernetes: the value of a label, and the name of a container, a Service, a Service's port."""
HOSTNAME_LABEL = "kubernetes.io/hostname"
"""Set by the kubelet: a node's name in the cluster, as long as a label's value may be."""
WAVE_LABEL = "oceanid.io/wave"
# On a gate's Job: the node it measures. An annotation, since a node's name may be longer than a
# label's value.
NODE_ANNOTATION = "oceanid.io/node"
# On every pod that must not reach a destination but through the tunnel: gateways, and the gate's
# pods, which prove it.
EGRESS_RESTRICTED_LABELS = {"oceanid.io/fenced": "true"}
# On a namespace whose pods may use the gateways.
CLIENT_NAMESPACE_LABELS = {"oceanid.io/egress": "allowed"}
# Renewed by every look for drift that has found none; kube-state-metrics tells when.
DRIFT_LEASE = "oceanid-drift"
PROBER = "oceanid-prober"
PROBER_LABELS = {"app.kubernetes.io/name": PROBER, PART_OF: "oceanid"}
# k3s' CoreDNS imports every `*.server` key of this ConfigMap (k3s documentation, "CoreDNS custom
# configuration imports").
DNS_NAMESPACE, DNS_CONFIG, DNS_KEY = "kube-system", "coredns-custom", "oceanid.server"
OWN_KEY_ANNOTATIONS = {
    # A value of the key that somebody else has written is replaced by the stack's.
    "pulumi.com/patchForce": "true",
    # By name, so that a stack whose state was lost still owns the key that it has written.
    "pulumi.com/patchFieldManager": "oceanid",
}
"""Of the patch of an object that others write to as well (Pulumi's "Server-Side Apply")."""
