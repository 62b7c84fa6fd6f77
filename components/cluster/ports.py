"""The ports by which the parts of the egress path find each other."""

HTTP_PORT = 3128
SOCKS5_PORT = 1080
STATUS_PORT = 9000
ADMIN_PORT = 9901
PROBER_PORT = 9115
"""Where the prober listens (the blackbox exporter's own default)."""

# Of a tailscaled. A gateway has one for each exit node, the next one's ports are one higher.
HEALTH_PORT = 9002
WIREGUARD_PORT = 41641
# Of a gateway's tailscaled only.
FIRST_HTTP_PORT = 11080
FIRST_SOCKS5_PORT = 12080
