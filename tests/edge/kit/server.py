"""Starts the built Worker on workerd for a test in Python, as server.ts does for one in TypeScript."""

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import stripe

_SCRIPT = Path(__file__).resolve().parents[3] / "xtask/node/serve.ts"


class Server:
    """A server with a state of its own, which ends with the `with` block."""

    def __init__(self, serving: dict[str, object] | None = None, **bindings: str) -> None:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.url = ""
        self.log: list[str] = []
        self.state = tempfile.mkdtemp(prefix="florin-edge-")
        self._bindings = {"DEVELOPMENT": "1", "MASTER_KEY": key, **bindings}
        self._requests = 0
        # How many seconds its clock runs ahead of this machine's.
        self.ahead = 0
        self.restart(serving)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def account(self, name: str = "Edge test") -> dict[str, str]:
        """Makes an account; its keys are under `secret_key` and `publishable_key`."""
        return self._ask(account=name)

    def stripe(self, key: str, **options: object) -> stripe.StripeClient:
        """The official SDK, speaking to this server. Retries are off unless a test wants them."""
        options = {"max_network_retries": 0, "base_addresses": {"api": self.url}, **options}
        return stripe.StripeClient(key, **options)

    def query(self, sql: str, *values: object) -> list[dict[str, object]]:
        """The rows of one statement in the server's D1 database."""
        return self._ask(batch=[[sql, *values]])[0]

    def advance(self, seconds: int) -> None:
        """Moves the development clock on by this many seconds."""
        body, headers = f"advance={seconds}".encode(), {"content-type": "application/x-www-form-urlencoded"}
        request = urllib.request.Request(f"{self.url}/_development/clock", body, headers)
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        self.ahead += seconds

    def scheduled(self, cron: str = "*/5 * * * *") -> None:
        """Does what the cron trigger would."""
        self._ask(scheduled=cron)

    def kill9(self) -> None:
        """Ends all of the server's processes as a power cut would."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._reader.join()
        self._process.stderr.close()

    def kill9_workerd(self) -> None:
        """Ends workerd alone, and waits until whoever runs it has started it again."""
        before = self._workerd()
        for process in before:
            os.kill(process, signal.SIGKILL)
        for _ in range(600):
            time.sleep(0.05)
            if self._workerd() - before and self._answers():
                return
        raise RuntimeError("workerd did not come back:\n" + "\n".join(self.log))

    def _workerd(self) -> set[int]:
        """The processes of workerd that this server runs."""
        found = set()
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                # "123 (workerd) S 1 99 ...": the number, the name, the state, the parent, the group.
                number, _, rest = stat.read_text().partition(" (workerd) ")
            except OSError:
                continue
            if rest and rest.split(" ")[0] != "Z" and int(rest.split(" ")[2]) == self._process.pid:
                found.add(int(number))
        return found

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True

    def migrate(self) -> list[str]:
        """Applies the migrations of this checkout but for those that take something away; their names."""
        return self._ask(migrate=True)

    def restart(self, serving: dict[str, object] | None = None) -> None:
        """Serves on the same port and state again, after `kill9`. What is to serve other than this checkout's Worker is
        said by the settings of xtask/node/miniflare.ts."""
        port = self.port if self.url else 0
        settings = {"port": port, "state": self.state, "bindings": self._bindings, **(serving or {})}
        self._process = subprocess.Popen(
            [os.environ.get("FLORIN_NODE", "node"), _SCRIPT],
            env={**os.environ, "FLORIN_SERVE": json.dumps(settings)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_log, args=(self._process.stderr,), daemon=True)
        self._reader.start()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start:\n" + "\n".join(self.log))
        self.url = json.loads(line)["url"]

    def stop(self) -> None:
        """Ends the server and removes its state."""
        if self._process.poll() is None:
            self.kill9()
        shutil.rmtree(self.state, ignore_errors=True)

    def _ask(self, **request: object):
        self._requests += 1
        self._process.stdin.write(json.dumps({"id": self._requests, **request}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def _read_log(self, stream) -> None:
        for line in stream:
            self.log.append(line.rstrip("\n"))
