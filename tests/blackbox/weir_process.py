"""Starts the real program for black-box tests and ends it afterwards. Standard library only.

Every server binds port 0 and says where it listens in a ready file; nothing waits by sleeping for a
fixed time: a start waits for the ready file or the end of the process, whichever comes first.
"""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

BIN = os.environ.get("WEIR_BIN", str(pathlib.Path(__file__).resolve().parents[2] / "build/release/weir"))
SHARED = pathlib.Path(os.environ.get("WEIR_SHARED",
                                     pathlib.Path(__file__).resolve().parents[3] / "shared"))
CLEAN = {k: v for k, v in os.environ.items()
         if not k.startswith(("OPENAI_", "ANTHROPIC_", "WEIR_", "CLAUDE_")) and "PROXY" not in k.upper()}
for kept in ("WEIR_SHARED", "WEIR_MODELS"):
    if kept in os.environ:
        CLEAN[kept] = os.environ[kept]


def run(*arguments, stdin=None, env=None, timeout=120):
    """Runs `weir ARGUMENTS` to its end; returns the CompletedProcess with text output."""
    return subprocess.run([BIN, *map(str, arguments)], input=stdin, capture_output=True, text=True,
                          timeout=timeout, env={**CLEAN, **(env or {})})


def data(name):
    """A file of the evaluation data, or None with one visible line when it may be missing."""
    path = SHARED / "data" / name
    if path.exists():
        return path
    if os.environ.get("WEIR_REQUIRE_DATA") == "1":
        raise AssertionError(f"evaluation data is required but {path} is missing")
    print(f"skipped: needs the evaluation data ({path})")
    return None


class Server:
    """A `weir serve|simulate|replay` process. Use as a context manager."""

    def __init__(self, command, *arguments, config=None, env=None, folder=None):
        self._own_folder = None
        if folder is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="weir-test-")
            folder = self._own_folder.name
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.ready = self.folder / f"ready-{command}"
        self.ready.unlink(missing_ok=True)
        self.log_path = self.folder / f"{command}.log"
        full = [BIN, command, "--port", "0", "--ready-file", str(self.ready)]
        if command == "serve":
            full += ["--state", str(self.state)]
            if config is not None:
                (self.folder / "weir.yaml").write_text(config)
                full += ["--config", str(self.folder / "weir.yaml")]
        full += [str(a) for a in arguments]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(full, stdout=log, stderr=log, env={**CLEAN, **(env or {})},
                                            cwd=self.folder)
        self.address, self.port = self._wait_ready()

    def _wait_ready(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.ready.exists():
                address, port = self.ready.read_text().strip().rsplit(":", 1)
                return address, int(port)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.01)
                raise AssertionError(f"weir ended with {self.process.returncode}: {self.log()}")
        self.kill()
        raise AssertionError(f"weir was not ready after 30 s: {self.log()}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def log(self):
        return self.log_path.read_text(errors="replace")

    def request(self, method, path, body=None, headers=None, timeout=30):
        """(status, headers as lower-case dict, body bytes) of one request on a fresh connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            content = json.dumps(body) if isinstance(body, (dict, list)) else body
            all_headers = {"Content-Type": "application/json"} if content is not None else {}
            all_headers.update(headers or {})
            connection.request(method, path, content, all_headers)
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def post(self, path, body, headers=None, timeout=30):
        status, got, content = self.request("POST", path, body, headers, timeout)
        return status, got, json.loads(content)

    def rows(self):
        """All ledger rows as dicts, through `weir export`."""
        out = run("export", "--state", self.state, "--format", "jsonl")
        assert out.returncode == 0, out.stderr
        return [json.loads(line) for line in out.stdout.splitlines()]

    def stop(self):
        """Graceful end; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"weir did not end within 30 s of SIGTERM: {self.log()[-2000:]}")
        return self.process.returncode

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        try:
            self.stop()
        finally:
            if self._own_folder:
                self._own_folder.cleanup()


def chat(text, **more):
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **more}


def message(text, **more):
    return {"model": "auto", "max_tokens": 256, "messages": [{"role": "user", "content": text}], **more}
