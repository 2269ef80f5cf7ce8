#!/usr/bin/env python3
"""Measures daytwo beside its peers, interleaved, and prints one table. Called by scripts/bench, which explains the options."""
import argparse
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from host_bench import HostBench
from scheduler_bench import SchedulerBench
from upgrade_bench import UpgradeBench

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
FIXTURES = os.path.join(PROJECT, "Tests", "Fixtures")
WRITER = os.path.join(PROJECT, "Tests", "Support", "kine_writer.py")
TEMPLATE = "k3s-1.21.2-sqlite"
FIXTURE_NAMES = (TEMPLATE, "k3s-1.20.8-sqlite-secrets-encrypted")
GROUPS = ("backup", "restore", "latency", "fixtures", "scheduler", "upgrades", "hosts")
DATABASE = os.path.join("server", "db", "state.db")

FLOOR, FLOOR_VERIFIED, CHAIN, RESTIC, RESTORE = 1.4, 2.2, 0.8, 0.35, 1.3
LIMIT = 900
SIZE_CHURNED, SIZE_EVER, MEMORY = 0.6, 1.05, 96 * 10 ** 6


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def stop(text):
    raise SystemExit(f"bench: {text}")


class Run:
    """One command that ended: how long it took, and the largest that it or a child of it was in memory."""

    def __init__(self, command, **options):
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            begun = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                       start_new_session=True, **options)
            # `sqlite3 .backup` beside a writer, for one, never ends.
            alarm = threading.Timer(LIMIT, os.killpg, (process.pid, signal.SIGKILL))
            alarm.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                alarm.cancel()
            self.seconds = time.monotonic() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            self.memory = usage.ru_maxrss * 1024
            output.seek(0)
            errors.seek(0)
            self.output = output.read().decode(errors="replace")
            if process.returncode != 0:
                shown = command if isinstance(command, str) else " ".join(command)
                stop(f"{shown}\nended with {process.returncode}\n{errors.read().decode(errors='replace')}{self.output}")


def shell(script, *arguments, **options):
    return Run(["bash", "-c", "set -euo pipefail; " + script, "bench", *arguments], **options)


class Keeper:
    """Holds the database open as the k3s does whose cluster this is: without it, the first other process that opened and
    closed the database would checkpoint it, and every later run would measure another file."""

    def __init__(self, path):
        self.path = path
        self.before = self.sizes()
        code = ("import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
                "c.execute('SELECT max(id) FROM kine').fetchone(); print('open', flush=True); time.sleep(1e9)")
        self.process = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"open\n":
            stop(f"{path} could not be opened")

    def sizes(self):
        # -wal is left out where there is none to keep.
        return [os.path.getsize(self.path + suffix) for suffix in ("", "-wal") if os.path.exists(self.path + suffix)][:2]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        # Killed, not closed: the last one to close checkpoints.
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        after = self.sizes()
        if kind is None and after[: len(self.before)] != self.before:
            stop(f"{self.path} was {self.before} bytes (with its -wal) and is {after} after the runs: something wrote to it")


class Bench:
    def __init__(self, options):
        self.options = options
        self.work = os.path.abspath(options.work)
        self.scratch = os.path.join(self.work, "scratch")
        self.rows = []
        self.memory = {}
        self.datasets = {}
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)
        self.environment = dict(
            os.environ, RESTIC_PASSWORD="bench", RESTIC_CACHE_DIR=os.path.join(self.scratch, "restic-cache"),
            XDG_STATE_HOME=os.path.join(self.scratch, "state"), XDG_CACHE_HOME=os.path.join(self.scratch, "cache"))

    def path(self, *names):
        return os.path.join(self.scratch, *names)

    command = staticmethod(Run)

    def empty(self, name):
        shutil.rmtree(self.path(name), ignore_errors=True)
        os.makedirs(self.path(name))
        return self.path(name)

    def add(self, data, measure, daytwo, peer, other, bound=None, unit="s", more=None):
        """A row; `bound` is the highest that daytwo / other may be."""
        row = {"data": data, "measure": measure, "daytwo": daytwo, "peer": peer, "other": other, "unit": unit}
        if other:
            row["ratio"] = daytwo / other
        if bound is not None:
            row["bound"] = bound
            row["ok"] = row["ratio"] <= bound
        row.update(more or {})
        self.rows.append(row)

    # -- the data --------------------------------------------------------------------------------------------------

    def made(self, size, variant):
        name = f"{size}-{variant}"
        directory = os.path.join(self.work, name)
        with open(os.path.join(HERE, "kine_database.py"), "rb") as file:
            recipe = hashlib.sha256(file.read()).hexdigest()
        stamp = directory + ".recipe"
        if not (os.path.exists(stamp) and open(stamp).read() == recipe and os.path.exists(directory + ".json")):
            note(f"making {name}")
            Run([sys.executable, os.path.join(HERE, "kine_database.py"), directory, "--size", str(parse_size(size)),
                 "--variant", variant, "--fixture", os.path.join(FIXTURES, TEMPLATE + ".tar.zst")])
            with open(stamp, "w") as file:
                file.write(recipe)
        with open(directory + ".json") as file:
            self.datasets[f"{size} {variant}"] = json.load(file)
        return directory

    def fixture(self, name):
        directory = self.empty("fixture")
        Run(["tar", "--zstd", "-xf", os.path.join(FIXTURES, name + ".tar.zst"), "-C", directory])
        return os.path.join(directory, name)

    def copy(self, directory, name):
        target = self.path(name)
        shutil.rmtree(target, ignore_errors=True)
        Run(["cp", "-a", "--reflink=auto", directory, target])
        return target

    # -- backup ----------------------------------------------------------------------------------------------------

    def create(self, directory, store, *more):
        run = Run([self.options.binary, "backup", "create", "--data-dir", directory, "--name", "bench", "--store", store,
                   "-o", "json", *more], env=self.environment)
        run.archive = self.archive(store)
        run.longest_read = found(run.output, "longestReadSeconds")
        return run

    @staticmethod
    def archive(store):
        archives = [os.path.join(root, name) for root, _, names in os.walk(store) for name in names if name.endswith(".tar.zst")]
        if len(archives) != 1:
            stop(f"{store} should hold one archive now and holds {archives}")
        return archives[0]

    def backups(self, label, directory, bounded):
        database = os.path.join(directory, DATABASE)
        archive = self.path("kept.tar.zst")
        times = {name: [] for name in ("daytwo", "verified", "floor", "chain", "restic")}
        memory = []
        reads = []

        def daytwo(*more):
            run = self.create(directory, self.path("store"), *more)
            memory.append(run.memory)
            if run.longest_read is not None:
                reads.append(run.longest_read)
            shutil.move(run.archive, archive)
            return run

        commands = {
            "daytwo": lambda: daytwo("--no-verify"),
            "floor": lambda: Run(["zstd", "-3", "-T2", "-q", "-f", "-o", self.path("out", "state.db.zst"), database]),
            "chain": lambda: shell(
                'cd "$1"; sqlite3 "$2" ".backup state.db"; tar -c -C "$3" --exclude "server/db/state.db*" server -C "$1" state.db'
                " | zstd -3 -T2 -q -o a.tar.zst; sha256sum a.tar.zst >a.sha256", self.path("out"), database, directory),
            "restic": lambda: Run(["restic", "-q", "-r", self.path("out", "restic"), "backup", directory], env=self.environment),
            "verified": daytwo,
        }
        order = list(commands)
        with Keeper(database):
            for number in range(self.options.runs):
                for name in order[number % len(order):] + order[: number % len(order)]:
                    self.empty("out")
                    self.empty("store")
                    self.empty("restic-cache")
                    if name == "restic":
                        Run(["restic", "-q", "-r", self.path("out", "restic"), "init"], env=self.environment)
                    shell('cat "$1"* >/dev/null; sync', database)
                    times[name].append(commands[name]().seconds)
                    if name == "chain":
                        shell('tar --zstd -tf "$1" >"$1.list"; grep -qx state.db "$1.list"', self.path("out", "a.tar.zst"))
            self.empty("out")
            compressed = int(shell('zstd -3 -q -c "$1" | wc -c', database).output)
            files = int(shell('tar -c -C "$1" --exclude "server/db/state.db*" server | zstd -3 -q -c | wc -c', directory).output)

        median = {name: statistics.median(values) for name, values in times.items()}
        spread = {"runs": times}

        def limit(value):
            return value if bounded else None

        self.add(label, "backup, not read back", median["daytwo"], "`zstd -3 -T2` of the file", median["floor"], limit(FLOOR), more=spread)
        self.add(label, "backup, as users run it", median["verified"], "`zstd -3 -T2` of the file", median["floor"], limit(FLOOR_VERIFIED))
        self.add(label, "backup, not read back", median["daytwo"], "`.backup`, `tar`, `zstd -3 -T2`, `sha256sum`", median["chain"], limit(CHAIN))
        self.add(label, "backup, not read back", median["daytwo"], "`restic backup`, new repository", median["restic"], limit(RESTIC))
        size = os.path.getsize(archive)
        free = free_share(database)
        self.add(label, "archive size", size, "`zstd -3` of the file", compressed,
                 SIZE_CHURNED if free > 1 / 3 else SIZE_EVER + files / compressed, unit="B", more={"serverFiles": files, "freelistShare": free})
        if reads:
            self.add(label, "longest read transaction", max(reads), "", None)
        self.remember_memory(label, "backup", max(memory))
        return archive

    # -- restore ---------------------------------------------------------------------------------------------------

    def restores(self, label, directory, archive, bounded):
        times = {"daytwo": [], "peers": []}
        memory = []

        def daytwo(target):
            run = Run([self.options.binary, "restore", "run", "--yes", "--data-dir", target, archive], env=self.environment)
            memory.append(run.memory)
            return run

        def peers(target):
            return shell('zstd -q -d -c "$1" | tar -x -C "$2"; cd "$2"/*/; sha256sum --quiet -c SHA256SUMS;'
                         ' [ "$(sqlite3 datastore/state.db "PRAGMA integrity_check")" = ok ]; sync', archive, target)

        for number in range(self.options.runs):
            for name in ("daytwo", "peers") if number % 2 == 0 else ("peers", "daytwo"):
                target = self.copy(directory, "target") if name == "daytwo" else self.empty("target")
                shell('cat "$1" >/dev/null; sync', archive)
                times[name].append((daytwo if name == "daytwo" else peers)(target).seconds)
                if name == "daytwo":
                    self.restored(os.path.join(target, DATABASE), os.path.join(directory, DATABASE))
        shutil.rmtree(self.path("target"))
        median = {name: statistics.median(values) for name, values in times.items()}
        self.add(label, "restore", median["daytwo"], "`zstd -d`, `tar -x`, `sha256sum -c`, integrity check, `sync`", median["peers"],
                 RESTORE if bounded else None, more={"runs": times})
        self.remember_memory(label, "restore", max(memory))

    def restored(self, path, source):
        """A restore that is quick because it did not restore is no result."""
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        rows = connection.execute("SELECT count(*) FROM kine WHERE name NOT LIKE 'gap-%'").fetchone()[0]
        connection.close()
        copy = self.path("count.db")
        for suffix in ("", "-wal"):
            if os.path.exists(source + suffix):
                shutil.copyfile(source + suffix, copy + suffix)
        connection = sqlite3.connect(copy)
        expected = connection.execute("SELECT count(*) FROM kine WHERE name NOT LIKE 'gap-%'").fetchone()[0]
        connection.close()
        os.remove(copy)
        if rows != expected:
            stop(f"the restored database has {rows} rows where {expected} were backed up")

    # -- what a writer feels -----------------------------------------------------------------------------------------

    def latencies(self, label, directory):
        for indexed in (True, False):
            target = self.copy(directory, "live")
            database = os.path.join(target, DATABASE)
            if not indexed:
                connection = sqlite3.connect(database, isolation_level=None)
                connection.execute("DROP INDEX kine_id_deleted_index")
                connection.close()
            file = self.path("latencies")
            options = ["--new-keys-only", "--compact-every", "0", "--gap-every", "0", "--rate", "50", "--latencies", file]
            if not indexed:
                options += ["--without-index", "kine_id_deleted_index"]
            writer = subprocess.Popen([sys.executable, WRITER, database, *options], stdout=subprocess.PIPE)
            try:
                if writer.stdout.readline() != b"ready\n":
                    stop("the writer did not start")
                begun = time.monotonic()
                time.sleep(self.options.latency_seconds)
                between = time.monotonic()
                reads = []
                while not reads or time.monotonic() - between < self.options.latency_seconds:
                    reads.append(self.create(target, self.empty("store"), "--no-verify").longest_read)
                ended = time.monotonic()
                writer.send_signal(signal.SIGTERM)
                writer.stdout.read()
                if writer.wait() != 0:
                    stop(f"the writer ended with {writer.returncode}")
            finally:
                writer.kill()
                writer.wait()
                writer.stdout.close()
            with open(file) as lines:
                commits = [tuple(map(float, line.split())) for line in lines]
            quiet = [latency for moment, latency in commits if begun <= moment < between]
            busy = [latency for moment, latency in commits if between <= moment < ended]
            suffix = "" if indexed else ", without `kine_id_deleted_index`"
            self.add(label, "99th percentile of 50 commits/s during backups" + suffix, percentile(busy), "without a backup", percentile(quiet),
                     more={"backups": len(reads), "slowest": max(busy), "slowestWithout": max(quiet)})
            if None not in reads:
                self.add(label, f"longest read transaction beside 50 commits/s{suffix}", max(reads), "", None)
            shutil.rmtree(target)

    # -- memory ----------------------------------------------------------------------------------------------------

    def remember_memory(self, label, what, peak):
        self.memory[(label, what)] = peak
        self.add(label, f"peak memory, {what}", peak, "the bound", MEMORY, 1.0, unit="B")

    def compare_memory(self):
        """The same at the largest size as at the smallest, give or take what an allocator does."""
        sizes = sorted(self.options.sizes, key=parse_size)
        for variant in self.options.variants:
            for what in ("backup", "restore"):
                small, large = (self.memory.get((f"{size} {variant}", what)) for size in (sizes[0], sizes[-1]))
                if small and large and sizes[0] != sizes[-1]:
                    self.add(f"{sizes[-1]} {variant}", f"peak memory, {what}", large, f"at {sizes[0]}", small, 1.1, unit="B")

    # -- all of it -------------------------------------------------------------------------------------------------

    def run(self):
        groups = self.options.only
        # Data sets of this size are made only for those that measure them.
        for size in self.options.sizes if set(groups) & {"backup", "restore", "latency"} else []:
            for variant in self.options.variants:
                label = f"{size} {variant}"
                directory = self.made(size, variant)
                note(f"measuring {label}")
                archive = None
                if "backup" in groups:
                    archive = self.backups(label, directory, bounded=True)
                if "restore" in groups:
                    if archive is None:
                        with Keeper(os.path.join(directory, DATABASE)):
                            archive = self.create(directory, self.empty("store"), "--no-verify").archive
                    self.restores(label, directory, archive, bounded=True)
                if "latency" in groups:
                    self.latencies(label, directory)
        if "fixtures" in groups:
            for name in FIXTURE_NAMES:
                note(f"measuring {name}")
                directory = self.fixture(name)
                archive = self.backups(name, directory, bounded=False)
                self.restores(name, directory, archive, bounded=False)
        if "scheduler" in groups:
            note("measuring the scheduler")
            SchedulerBench(self).run()
        if "upgrades" in groups:
            note("measuring plans of upgrades")
            UpgradeBench(self).run()
        if "hosts" in groups:
            note("measuring work on host clusters")
            HostBench(self).run()
        self.compare_memory()
        shutil.rmtree(self.scratch)
        result = {"machine": self.machine(), "runs": self.options.runs, "datasets": self.datasets, "rows": self.rows}
        with open(self.options.out, "w") as file:
            json.dump(result, file, indent=1)
        print(table(result))
        return 1 if any(row.get("ok") is False for row in self.rows) else 0

    def machine(self):
        def first(*command):
            return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout.split("\n")[0].strip()

        with open("/proc/meminfo") as file:
            memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1)) * 1024
        with open("/proc/cpuinfo") as file:
            model = re.search(r"model name\s*:\s*(.+)", file.read())
        version = re.compile(r"\d+\.\d+(\.\d+)?")
        return {
            "cores": len(os.sched_getaffinity(0)), "processor": model.group(1) if model else platform.machine(),
            "memoryBytes": memory, "kernel": platform.release(),
            "fileSystem": first("stat", "-f", "-c", "%T", self.work), "daytwo": first(self.options.binary, "--version"),
            **{name: version.search(first(*command)).group(0) for name, command in (
                ("zstd", ("zstd", "--version")), ("sqlite3", ("sqlite3", "--version")), ("restic", ("restic", "version")))},
        }


def parse_size(text):
    match = re.fullmatch(r"(\d+)([MG])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text}: a size is like 200M or 2G")
    return int(match.group(1)) * {"M": 10 ** 6, "G": 10 ** 9}[match.group(2)]


def found(text, key):
    """The value under `key`, at whatever depth the document has it."""
    def walk(value):
        if isinstance(value, dict):
            for name, inside in value.items():
                yield from [inside] if name == key else walk(inside)
        elif isinstance(value, list):
            for inside in value:
                yield from walk(inside)
    try:
        return next(walk(json.loads(text)), None)
    except ValueError:
        return None


def free_share(path):
    """Free pages in the file, from its header: it must not be opened by SQLite for so little."""
    with open(path, "rb") as file:
        header = file.read(100)
    return int.from_bytes(header[36:40], "big") / max(1, int.from_bytes(header[28:32], "big"))


def percentile(values):
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def amount(value, unit):
    if value is None:
        return ""
    if unit == "B":
        return f"{value / 1e6:.1f} MB"
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s"


def table(result):
    machine = result["machine"]
    lines = [
        f"{machine['cores']} cores ({machine['processor']}), {machine['memoryBytes'] / 2**30:.0f} GiB, Linux {machine['kernel']},"
        f" {machine['fileSystem']}; daytwo {machine['daytwo']}, zstd {machine['zstd']}, sqlite3 {machine['sqlite3']},"
        f" restic {machine['restic']}; medians of {result['runs']} interleaved runs.", "",
        "| data | measured | daytwo | against | | ratio | bound | |", "|---|---|---:|---|---:|---:|---:|---|"]
    for name, data in result["datasets"].items():
        lines.append("| {} | made of: file {}, -wal {}, freelist {}, indexes {}, values {}, `old_value` at or below the compact"
                     " revision {}, above it {}; {} rows, {} live keys | | | | | | |".format(
                         name, *(amount(data.get(key) or 0, "B") for key in (
                             "file", "wal", "freelist", "indexes", "valueBytes", "oldValueBytesCompacted", "oldValueBytesKept")),
                         data["rows"], data["liveKeys"]))
    for row in result["rows"]:
        verdict = "" if "ok" not in row else "ok" if row["ok"] else "**over**"
        lines.append("| {} | {} | {} | {} | {} | {} | {} | {} |".format(
            row["data"], row["measure"], amount(row["daytwo"], row["unit"]), row["peer"], amount(row["other"], row["unit"]),
            f"{row['ratio']:.2f}" if "ratio" in row else "", f"{row['bound']:.2f}" if "bound" in row else "", verdict))
    return "\n".join(lines)


def listed(text):
    return [part for part in text.split(",") if part]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", type=listed, default=["200M", "2G"])
    parser.add_argument("--variants", type=listed, default=["compacted", "bloated"])
    parser.add_argument("--only", type=listed, default=list(GROUPS), help=",".join(GROUPS))
    parser.add_argument("--latency-seconds", type=float, default=20)
    parser.add_argument("--work", default=os.path.join(PROJECT, ".build-bench"))
    parser.add_argument("--out", help="results as JSON (WORK/results.json)")
    options = parser.parse_args()
    for size in options.sizes:
        parse_size(size)
    unknown = set(options.only) - set(GROUPS) or set(options.variants) - {"compacted", "bloated"}
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such group or variant")
    options.out = options.out or os.path.join(options.work, "results.json")
    options.binary = os.path.abspath(options.binary)
    os.makedirs(options.work, exist_ok=True)
    return Bench(options).run()


if __name__ == "__main__":
    sys.exit(main())
