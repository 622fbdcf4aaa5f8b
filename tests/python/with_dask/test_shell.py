"""docs/dask.md: its scheduler and its worker are started by its own commands, and its client prints what it says."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import psutil

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "dask.md").read_text()
COMMANDS = re.search(r"^```sh session\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1].splitlines()
CLIENT, OUTPUT = re.search(
    r"^```python client.py\n(.*?)^```\n\n^```text output\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
).groups()
PORT = "8786"
LONG = 60


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])


class Session(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self.servers = [self.start(command) for command in COMMANDS]

    def start(self, command):
        log = open(Path(self.folder, "log"), "ab")
        self.addCleanup(log.close)
        command = command.replace(PORT, self.port)
        server = subprocess.Popen(
            ["sh", "-c", f"exec {command}"], cwd=self.folder, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        self.addCleanup(self.stop, server)
        return server

    def stop(self, server):
        """Its status, once it has ended; no child is left."""
        if server.returncode is not None:
            return server.returncode
        children = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(LONG)
        finally:
            _, left = psutil.wait_procs(children, timeout=10)
            for process in left:
                process.kill()
            if server.poll() is None:
                server.kill()
                server.wait()
        self.assertEqual(left, [])
        return server.returncode

    def client(self, source):
        path = Path(self.folder, "client.py")
        path.write_text(source.replace(PORT, self.port))
        return subprocess.run([sys.executable, path], env=self.env, capture_output=True, text=True, timeout=LONG)

    def test_it_does_what_the_page_says(self):
        self.assertEqual(len(COMMANDS), 2)
        done = self.client(CLIENT)
        self.assertEqual((done.stdout, done.returncode), (OUTPUT, 0), done.stderr)
        self.assert_worker_ends()

    def test_a_worker_that_is_busy_ends_at_once(self):
        done = self.client(
            "from distributed import Client, fire_and_forget\n"
            "import isles\n"
            "def spin():\n"
            "    while True: pass\n"
            "def log(dask_worker): return dask_worker.state.executing_count\n"
            f"with Client('tcp://127.0.0.1:{PORT}') as client:\n"
            "    fire_and_forget([client.submit(spin, pure=False) for _ in range(2)])\n"
            "    while client.run(log) in ({}, None) or set(client.run(log).values()) != {2}: pass\n"
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_worker_ends()

    def assert_worker_ends(self):
        scheduler, worker = self.servers
        status = self.stop(worker)
        self.assertEqual(status, 0, Path(self.folder, "log").read_text())
        self.assertEqual(self.stop(scheduler), 0)


if __name__ == "__main__":
    unittest.main()
