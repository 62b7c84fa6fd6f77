"""A PostgreSQL client with `sslmode=verify-full`, run in a pod: `python3 verify_full.py HOST`.

It finds the host by the pod's own resolver, and trusts what the pod trusts. It prints the address
it connected to, and the one that the database sees.
"""

import argparse
import socket
import ssl
import struct
import sys


def main(host: str) -> None:
    """Connect, check the certificate against the host's name, and ask who is calling."""
    family, _, _, _, where = socket.getaddrinfo(host, 5432, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as raw:
        raw.settimeout(10)
        raw.connect(where)
        raw.sendall(struct.pack("!ii", 8, 80877103))
        if raw.recv(1) != b"S":
            sys.exit("no TLS")
        with ssl.create_default_context().wrap_socket(raw, server_hostname=host) as secured:
            startup = struct.pack("!i", 196608) + b"user\0oceanid\0\0"
            secured.sendall(struct.pack("!i", len(startup) + 4) + startup)
            query = b"select inet_client_addr()\0"
            secured.sendall(b"Q" + struct.pack("!i", len(query) + 4) + query + b"X\0\0\0\4")
            said = b""
            while piece := secured.recv(4096):
                said += piece
    row = said[said.index(b"D", said.index(b"T")) + 5 :]
    (length,) = struct.unpack("!i", row[2:6])
    print(where[0], row[6 : 6 + length].decode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("host")
    main(parser.parse_args().host)
