"""A small HTTP server in threads of its own, for what stands in for somebody else."""

import http.client
import json
import sys
import threading
import traceback
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, Mapping
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked; the names of headers are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered; with `cut`, the connection ends after half of the body."""

    status: int
    body: bytes
    content_type: str = "application/json"
    cut: bool = False

    @staticmethod
    def of(status: int, value: object) -> "Answer":
        return Answer(status, json.dumps(value).encode())


class Serving:
    """Serves until it is stopped. What is answered with None gets no answer: its connection is closed."""

    def __init__(self, handle: Callable[[Request], Answer | None]) -> None:
        problems: list[str] = []
        self.problems = problems

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"] or 0))
                headers = {name.lower(): text for name, text in self.headers.items()}
                answer = handle(Request(self.command, self.path, headers, body))
                self.close_connection = True
                if answer is None:
                    return
                self.send_response(answer.status)
                self.send_header("content-type", answer.content_type)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)

            do_GET = do_POST = respond

            def log_message(self, *_: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            # As many connections may wait as a load opens at once.
            request_queue_size = 256

            def handle_error(self, request: object, client_address: object) -> None:
                # Whoever asked may be gone: servers are killed here.
                if not isinstance(sys.exception(), ConnectionError):
                    problems.append(traceback.format_exc())

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._listener.server_port}"
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()


def send(url: str, request: Request, timeout: float = 60) -> Answer:
    """Sends a request to whoever listens at an address."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    try:
        headers = {name: text for name, text in request.headers.items() if name not in ("host", "connection")}
        connection.request(request.method, request.path, request.body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), answer.headers.get("content-type", ""))
    finally:
        connection.close()
