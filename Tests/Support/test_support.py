#!/usr/bin/env python3
"""The helpers against real data and against each other: a judge that calls everything right is worth nothing."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "Fixtures")
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from kine_model import states  # noqa: E402
from truth import truth  # noqa: E402


def tool(name, *arguments, fails=False):
    result = subprocess.run([sys.executable, "-B", os.path.join(HERE, name), *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    if (result.returncode != 0) != fails:
        raise AssertionError(f"{name} {arguments} ended with {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


class TruthTests(unittest.TestCase):
    def test_fixtures(self):
        for name in ("k3s-1.21.2-sqlite", "k3s-1.20.8-sqlite-secrets-encrypted"):
            with tempfile.TemporaryDirectory() as directory:
                subprocess.run(["tar", "--zstd", "-xf", os.path.join(FIXTURES, name + ".tar.zst"), "-C", directory], check=True)
                found = truth(os.path.join(directory, name, "server", "db", "state.db"))
            with open(os.path.join(FIXTURES, name + ".truth.json")) as file:
                self.assertEqual(found, json.load(file), name)


class ModelTests(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.db = os.path.join(self.directory.name, "state.db")
        self.log = os.path.join(self.directory.name, "log")

    def write(self, *options, operations=900):
        return json.loads(tool("kine_writer.py", self.db, "--log", self.log, "--load", 200, "--keys", 300, "--operations",
                               operations, "--compact-every", 150, "--min-retain", 100, "--batch", 70, "--gap-every", 60,
                               *options).splitlines()[-1])

    def snapshot(self, name="snapshot.db"):
        """As daytwo makes one: no old_value at or below the compact revision."""
        path = os.path.join(self.directory.name, name)
        shutil.copyfile(self.db, path)
        self.change(path, "UPDATE kine SET old_value = NULL WHERE id <= (SELECT prev_revision FROM kine WHERE name = 'compact_rev_key')",
                    at_least=0)
        return path

    def change(self, path, *statements, at_least=1):
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = DELETE")
        for statement in statements:
            self.assertGreaterEqual(connection.execute(statement).rowcount, at_least, statement)
        connection.close()

    def test_model_is_what_sqlite_holds(self):
        for options in (("--restart-every", 400), ("--tombstones", "null", "--indexes", "v0.16", "--seed", 2),
                        ("--without-index", "kine_id_deleted_index", "--indexes", "v0.4", "--seed", 3)):
            with self.subTest(options=options):
                if os.path.exists(self.db):
                    os.remove(self.db)
                summary = self.write(*options)
                for kind in ("creates", "recreates", "updates", "deletes", "gaps", "compactions", "checkpoints"):
                    self.assertGreater(summary[kind], 3, kind)
                tool("kine_model.py", "check", self.log, self.db, "--live")
                found = truth(self.db)
                expected = json.loads(tool("kine_model.py", "expected", self.log, "--max", found["maxRevision"],
                                           "--compact", found["compactRevision"]).splitlines()[-1])
                self.assertEqual(expected, {key: found[key] for key in expected})

    def test_goes_on_from_a_database_that_is_there(self):
        self.write()
        self.write("--seed", 9)
        tool("kine_model.py", "check", self.log, self.db, "--live")

    def test_same_seed_same_rows(self):
        self.write()
        first = truth(self.db)
        os.remove(self.db)
        self.write()
        self.assertEqual(truth(self.db), first)

    def test_every_change_is_seen(self):
        self.write()
        good = self.snapshot()
        tool("kine_model.py", "check", self.log, good)
        newest = "(SELECT max(id) FROM kine)"
        above = "(SELECT max(id) FROM kine WHERE old_value IS NOT NULL)"
        oldest = "(SELECT min(id) FROM kine WHERE name != 'compact_rev_key' AND length(value) > 0)"
        for number, change in enumerate((
                f"DELETE FROM kine WHERE id = {oldest}",
                f"DELETE FROM kine WHERE id = {newest}",
                f"UPDATE kine SET value = value || x'00' WHERE id = {oldest}",
                f"UPDATE kine SET value = CAST(value AS TEXT) WHERE id = {oldest}",
                f"UPDATE kine SET value = NULL WHERE id = {oldest}",
                f"UPDATE kine SET old_value = NULL WHERE id = {above}",
                f"UPDATE kine SET old_value = x'00' WHERE id = {oldest}",
                f"UPDATE kine SET lease = 7 WHERE id = {oldest}",
                f"UPDATE kine SET create_revision = create_revision + 1 WHERE id = {oldest}",
                f"UPDATE kine SET name = name || 'x' WHERE id = {oldest}",
                f"UPDATE kine SET prev_revision = prev_revision + 1 WHERE name = 'compact_rev_key'",
                "UPDATE kine SET value = NULL WHERE name = 'compact_rev_key'",
                "INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease) VALUES('x', 1, 0, 0, 0, 0)",
                "UPDATE sqlite_sequence SET seq = seq + 1")):
            bad = os.path.join(self.directory.name, f"bad{number}.db")
            shutil.copyfile(good, bad)
            self.change(bad, change)
            self.assertIn("reasons", tool("kine_model.py", "check", self.log, bad, fails=True), change)

    def test_a_raised_revision(self):
        self.write()
        restored = self.snapshot()
        self.change(restored, "INSERT INTO kine VALUES(2000000, 'gap-2000000', 0, 1, 0, 0, 0, NULL, NULL)",
                    "UPDATE kine SET prev_revision = 2000000 WHERE name = 'compact_rev_key'")
        tool("kine_model.py", "check", self.log, restored, "--bumped")
        tool("kine_model.py", "check", self.log, restored, fails=True)
        self.change(restored, "UPDATE kine SET lease = 1 WHERE id = 2000000")
        tool("kine_model.py", "check", self.log, restored, "--bumped", fails=True)

    def test_states_that_are_too_old_or_too_new(self):
        self.write("--compact-every", 0, "--gap-every", 0)
        last = self.snapshot()
        offsets = [offset for offset, _ in states(self.log)]
        end = os.path.getsize(self.log)
        tool("kine_model.py", "check", self.log, last, "--since", offsets[-1], "--until", end)
        tool("kine_model.py", "check", self.log, last, "--until", offsets[-2], fails=True)
        older = self.snapshot("older.db")
        self.change(older, "DELETE FROM kine WHERE id = (SELECT max(id) FROM kine)", "UPDATE sqlite_sequence SET seq = seq - 1")
        # Whether the last transaction of the log was committed is known only when another line follows it.
        tool("kine_model.py", "check", self.log, older, "--since", offsets[-1])
        tool("kine_model.py", "check", self.log, older, "--since", end, fails=True)

    def test_a_killed_writer(self):
        for seed in range(3):
            db, log = self.db + str(seed), self.log + str(seed)
            writer = subprocess.Popen(
                [sys.executable, "-B", os.path.join(HERE, "kine_writer.py"), db, "--log", log, "--seed", str(seed),
                 "--load", "50", "--compact-every", "100", "--min-retain", "50"], stdout=subprocess.PIPE)
            writer.stdout.readline()
            while os.path.getsize(log) < 200_000:
                pass
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            writer.stdout.close()
            tool("kine_model.py", "check", log, db, "--live", "--since", os.path.getsize(log))


if __name__ == "__main__":
    unittest.main(verbosity=1)
