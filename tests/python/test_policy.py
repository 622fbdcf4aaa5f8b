"""isles.Policy and what it denies; and the known ways round it, so that docs/policy.md stays true."""

import dataclasses
import os
import pickle
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

import isles
import work
from isles import _core

FULL = {"read": [], "write": [], "execute": [], "connect": [], "bind": []}


def needs_landlock(test):
    """Where the kernel has less, C's tests show the refusal."""
    try:
        isles.Interpreter(policy=isles.Policy(**FULL)).close()
    except NotImplementedError as error:
        return unittest.skip(str(error))(test)
    return test


def outcome(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return type(error).__name__


class Mistakes(unittest.TestCase):
    def test_they_are_named(self):
        rows = [
            (dict(read="data"), TypeError, "Policy.read is 'data': a list is wanted, ['data']"),
            (dict(read=Path("data")), TypeError, "a list is wanted"),
            (dict(write=7), TypeError, "Policy.write is 7: a list is wanted"),
            (dict(write=["a", 7]), TypeError, "Policy.write[1] is 7, not a path"),
            (dict(execute=[""]), ValueError, "Policy.execute[0] is '', not a path"),
            (dict(connect=[80, 70000]), ValueError, "Policy.connect[1] is 70000, not a port from 1 to 65535"),
            (dict(connect=["80"]), ValueError, "Policy.connect[0] is '80', not a port"),
            (dict(bind=[-1]), ValueError, "Policy.bind[0] is -1, not a port from 0 to 65535"),
            (dict(bind=[True]), ValueError, "Policy.bind[0] is True"),
            (dict(seccomp=["nets"]), ValueError, "Policy.seccomp[0] is 'nets', none of no-network, no-exec, no-admin"),
            (dict(rules=["deny open", "forbid x"]), ValueError, "Policy.rules[1]: 'forbid x' begins with neither"),
            (dict(rules=["deny open:"]), ValueError, "'deny open:' has nothing after the colon"),
            (dict(rules="deny open"), TypeError, "Policy.rules is 'deny open': a list is wanted"),
            (dict(rules=[b"deny open"]), TypeError, "Policy.rules[0] is b'deny open', not text"),
            (dict(observe=1), TypeError, "Policy.observe is 1, not True or False"),
        ]
        for fields, kind, words in rows:
            with self.subTest(fields), self.assertRaises(kind) as caught:
                isles.Policy(**fields)
            self.assertIn(words, str(caught.exception))

    def test_something_else_in_its_place(self):
        with self.assertRaisesRegex(TypeError, "policy must be an isles.Policy, not dict"):
            isles.Interpreter(policy={"read": []})

    def test_a_path_that_is_not_there(self):
        with self.assertRaisesRegex(ValueError, r"policy\.write\[0\]: /no/such: No such file or directory"):
            isles.Interpreter(policy=isles.Policy(write=["/no/such"]))

    def test_it_is_a_value(self):
        policy = isles.Policy(read=[Path("/usr")], bind=(0,), rules=iter(["deny open"]))
        self.assertEqual((policy.read, policy.write, policy.bind), (("/usr",), None, (0,)))
        self.assertEqual(policy.rules, ("deny open",))
        self.assertEqual(pickle.loads(pickle.dumps(policy)), policy)
        self.assertEqual(len({policy, dataclasses.replace(policy), dataclasses.replace(policy, observe=True)}), 2)
        with self.assertRaises(dataclasses.FrozenInstanceError):
            policy.read = None


@needs_landlock
class Confined(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(lambda: __import__("shutil").rmtree(self.folder))
        self.file = Path(self.folder, "file")
        self.file.write_text("text")

    def interpreter(self, **fields):
        it = isles.Interpreter(policy=isles.Policy(**fields))
        self.addCleanup(it.close)
        return it

    def test_files(self):
        it = self.interpreter(read=[self.folder], write=[])
        self.assertEqual(it.call(Path(self.file).read_text), "text")
        with self.assertRaises(PermissionError):
            it.call(open, "/etc/passwd")
        with self.assertRaises(PermissionError):
            it.call(Path(self.file).write_text, "other")
        self.assertEqual(self.file.read_text(), "text")
        self.file.write_text("by the host")

    def test_modules_of_the_host_can_be_imported(self):
        it = self.interpreter(**FULL)
        self.assertEqual(it.call(work.mirror, work.Point(1, 2)), work.Point(2, 1))

    def test_ports(self):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
            it = self.interpreter(connect=[server.getsockname()[1]])
            it.call(lambda port: __import__("socket").create_connection(("127.0.0.1", port)).close(),
                    server.getsockname()[1])
            with self.assertRaises(PermissionError):
                it.call(lambda port: __import__("socket").create_connection(("127.0.0.1", port)).close(),
                        other.getsockname()[1])

    def test_workers_of_a_pool(self):
        with isles.InterpreterPoolExecutor(2, policy=isles.Policy(**FULL)) as pool:
            self.assertEqual(list(pool.map(pow, [2, 3], [3, 2])), [8, 9])
            with self.assertRaises(PermissionError):
                pool.submit(open, "/etc/passwd").result()

    def test_interpreters_that_it_may_make_are_confined_too(self):
        it = self.interpreter(write=[], seccomp=["no-network"], rules=["allow isles.*"])
        it.exec(
            "import isles, socket\n"
            "def outcome(f, *args):\n"
            "    try: f(*args)\n"
            "    except Exception as error: return type(error).__name__\n"
            "with isles.Interpreter() as other:\n"
            f"    said = [outcome(other.call, open, {str(self.file)!r}, 'w'), outcome(other.call, socket.socket)]"
        )
        self.assertEqual(it.call(lambda: __import__("__main__").said), ["PermissionError"] * 2)


class Rules(unittest.TestCase):
    def test_denied_events_raise(self):
        with isles.Interpreter(policy=isles.Policy(rules=["deny open:/etc/*", "deny import:email*"])) as it:
            said = r"denied by the policy: open '/etc/passwd' \(rule 'deny open:/etc/\*'\)"
            with self.assertRaisesRegex(PermissionError, said):
                it.call(open, "/etc/passwd")
            with self.assertRaises(ImportError):
                it.exec("import email.message")
            with open("/etc/passwd"):
                pass

    def test_other_interpreters_are_out_of_reach(self):
        with isles.Interpreter() as other, isles.Interpreter(policy=isles.Policy(rules=["deny ctypes.*"])) as it:
            it.prepare_main(other=other.id)
            for code in (
                "import isles; isles.Interpreter()",
                "from isles import _core\n"
                "_core._submit(other, 'source', 'pass', (), None, None, None, False, None, None)",
                "from isles import _core; _core._call(other, int, (), None, None, False)",
                "from isles import _core; _core._end(other, 0)",
                "from isles import _core; _core._end_later(other, 0)",
            ):
                with self.subTest(code), self.assertRaisesRegex(PermissionError, "denied by the policy: isles."):
                    it.exec(code)
            with self.assertRaises(isles.BrokenInterpreterPool):
                it.exec("import isles; isles.InterpreterPoolExecutor(1).submit(int).result()")
            with self.assertRaises(ImportError):
                it.exec("import _interpreters")
            it.exec("import asyncio, concurrent.futures")  # they look whether there is one
            self.assertEqual(other.call(int, "7"), 7)
            self.assertEqual({f.rule for f in it.policy_report().findings}, {"deny isles.*"})

    def test_a_rule_can_let_them_be_reached(self):
        rules = ["allow isles.submit", "allow import:_interpreters"]
        with isles.Interpreter() as other, isles.Interpreter(policy=isles.Policy(rules=rules)) as it:
            it.prepare_main(other=other.id)
            it.exec("from isles import _core; assert _core._call(other, int, ('7',), None, None, False) == 7")
            it.exec("import _interpreters")

    def test_the_report(self):
        policy = isles.Policy(rules=["deny os.putenv", "deny os.ptenv"])
        with isles.Interpreter(policy=policy) as it, isles.Interpreter() as bare:
            for _ in range(2):
                self.assertEqual(outcome(it.call, os.putenv, "A", "1"), "PermissionError")
            report = it.policy_report()
            self.assertEqual(report, (False, [("deny os.putenv", "os.putenv", "A", 2)], 0, ["deny os.ptenv"]))
            self.assertEqual(report.findings[0].subject, "A")
            self.assertEqual(bare.policy_report(), (False, [], 0, []))
        self.assertEqual(it.policy_report(), report)
        with self.assertRaises(isles.InterpreterNotFoundError):
            bare.policy_report()

    def test_observing(self):
        with isles.Interpreter(policy=isles.Policy(read=[], rules=["deny ctypes.*"], observe=True)) as it:
            it.exec("open('/etc/passwd').close(); import ctypes; import sys; sys.path.clear()")
        report = it.policy_report()
        self.assertTrue(report.observe)
        self.assertEqual([f[:3] for f in report.findings],
                         [("read", "open", "/etc/passwd"), ("deny ctypes.*", "ctypes.dlopen", "")])


class WaysRound(unittest.TestCase):
    """docs/policy.md shows them. When one of these fails, the page says too little of what a policy can do."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(lambda: __import__("shutil").rmtree(self.folder))

    @needs_landlock
    def test_native_code_has_another_thread_do_it(self):
        """A function of libc, called by the main interpreter's thread, which is the host's."""
        path = os.path.join(self.folder, "escaped")
        source = f"""
import ctypes
libc = ctypes.CDLL(None)
libc.strdup.restype = ctypes.c_void_p
command = libc.strdup({f"echo escaped > {path}".encode()!r})
ctypes.pythonapi.Py_AddPendingCall.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
ctypes.pythonapi.Py_AddPendingCall(ctypes.cast(libc.system, ctypes.c_void_p), command)
"""
        with isles.Interpreter(policy=isles.Policy(write=[])) as it:
            with self.assertRaises(PermissionError):
                it.call(open, path, "w")
            it.exec(source)
            limit = time.monotonic() + 20
            while not os.path.exists(path) and time.monotonic() < limit:
                sum(range(1000))  # the host's own work
            self.assertTrue(os.path.exists(path))
        with isles.Interpreter(policy=isles.Policy(rules=["deny ctypes.*"])) as it, self.assertRaises(PermissionError):
            it.exec(source)

    @needs_landlock
    def test_landlock_leaves_some_things_alone(self):
        path = os.path.join(self.folder, "file")
        Path(path).write_text("text")
        with isles.Interpreter(policy=isles.Policy(**FULL)) as it:
            self.assertEqual(it.call(lambda p: __import__("os").stat(p).st_size, path), 4)
            it.call(os.utime, path, (1, 1))
            it.call(os.chmod, path, 0o600)
            self.assertEqual(os.stat(path).st_mtime, 1)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
                receiver.bind(("127.0.0.1", 0))
                receiver.settimeout(20)
                it.call(lambda port: __import__("socket").socket(2, 2).sendto(b"UDP", ("127.0.0.1", port)),
                        receiver.getsockname()[1])
                self.assertEqual(receiver.recv(10), b"UDP")
            descriptor = os.open(path, os.O_RDONLY)  # the host's: opened before, so not asked about
            self.addCleanup(os.close, descriptor)
            self.assertEqual(it.call(os.read, descriptor, 10), b"text")

    def test_rules_compare_text(self):
        link = os.path.join(self.folder, "link")
        os.symlink("/etc", link)
        with isles.Interpreter(policy=isles.Policy(rules=["deny open:/etc/*"])) as it:
            it.call(lambda p: open(p).close(), os.path.join(link, "passwd"))
            it.call(lambda: __import__("subprocess").run(["cat", "/etc/passwd"], check=True, capture_output=True))


if __name__ == "__main__":
    unittest.main()
