"""A stand-in for Label Studio's webhooks: `python3 label_studio.py`, on port 8080.

It takes what `POST /api/webhooks` takes, and `GET /api/webhooks` gives the addresses that asked.
"""

import argparse
import http.server
import json


class _Webhooks(http.server.BaseHTTPRequestHandler):
    callers: list[str] = []  # noqa: RUF012  one server, one list

    def do_POST(self) -> None:
        webhook = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.callers.append(self.client_address[0])
        self._answer(201, {"id": len(self.callers), **webhook})

    def do_GET(self) -> None:
        self._answer(200, sorted(set(self.callers)))

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, allow_abbrev=False).parse_args()
    http.server.ThreadingHTTPServer(("", 8080), _Webhooks).serve_forever()
