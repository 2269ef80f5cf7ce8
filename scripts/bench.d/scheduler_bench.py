"""Measures the job scheduler with the real binary: a large fleet, a long history, and how soon a job begins."""
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import time

CLUSTERS, DUE, HISTORY = 10_000, 1_000, 1_000_000
PASS_CPU, DUE_SECONDS, START_SECONDS, LIST_SECONDS = 0.05, 1.0, 0.05, 0.1
CONFIGURATION = """\
apiVersion: daytwo/v1
kind: Configuration
stores: {{main: {{path: {store}}}}}
inventory: [inventory.yaml]
policies: [schedules.yaml]
scheduler: {{maxRunning: 1, maxRunningPerStore: 1, maxRunningPerHost: 1}}
"""
SCHEDULE = """\
---
apiVersion: daytwo/v1
kind: BackupSchedule
metadata: {{name: {name}}}
spec:
  select: {{matchLabels: {{group: {group}}}}}
  cron: "{cron}"
  store: main
"""


class Serving:
    """A scheduler at work; its main thread is the one that makes passes."""

    def __init__(self, binary, environment, log):
        self.log = open(log, "w+")
        self.process = subprocess.Popen([binary, "scheduler", "serve"], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()

    def cpu(self, thread=None):
        """Seconds of CPU of the process, or of its main thread."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/schedstat" if thread else f"/proc/{self.process.pid}/stat"
        with open(path) as file:
            text = file.read()
        if thread:
            return int(text.split()[0]) / 1e9
        fields = text.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) * 1024


class SchedulerBench:
    def __init__(self, bench):
        self.bench = bench
        self.binary = bench.options.binary
        self.place = bench.empty("scheduler")
        self.state = os.path.join(self.place, "state")
        self.environment = {**bench.environment, "DAYTWO_STATE_DIR": self.state,
                            "DAYTWO_CONFIG": os.path.join(self.place, "daytwo.yaml")}

    def run(self):
        self.fleet()
        self.starts()
        self.history()
        self.transitions()

    def daytwo(self, *words):
        return subprocess.run([self.binary, *words], env=self.environment, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True).stdout

    def query(self, sql):
        connection = sqlite3.connect(os.path.join(self.state, "daytwo.sqlite"), timeout=30)
        try:
            return connection.execute(sql).fetchone()[0]
        finally:
            connection.close()

    def add(self, data, measure, value, limit=None, peer="", other=None, unit="s"):
        if limit is None:
            self.bench.add(data, measure, value, peer, other, unit=unit)
        else:
            self.bench.add(data, measure, value, "the bound", limit, 1.0, unit=unit)

    def configure(self):
        os.makedirs(self.place, exist_ok=True)
        with open(self.environment["DAYTWO_CONFIG"], "w") as file:
            file.write(CONFIGURATION.format(store=os.path.join(self.place, "store")))
        with open(os.path.join(self.place, "inventory.yaml"), "w") as file:
            file.write("apiVersion: daytwo/v1\nkind: Inventory\nmetadata: {name: all}\nspec:\n  clusters:\n")
            for number in range(CLUSTERS):
                group = "minutely" if number < DUE else "yearly"
                file.write(f"    - {{name: c{number}, dataDirectory: /nonexistent/c{number}, labels: {{group: {group}}}}}\n")

    def schedules(self, minutely):
        # Yearly in the month before this one: nothing is due while this runs.
        month = (time.gmtime().tm_mon + 10) % 12 + 1
        yearly = f"0 0 1 {month} *"
        path = os.path.join(self.place, "schedules.yaml")
        with open(path + ".new", "w") as file:
            file.write(SCHEDULE.format(name="yearly", group="yearly", cron=yearly))
            file.write(SCHEDULE.format(name="minutely", group="minutely", cron=minutely or yearly))
        os.rename(path + ".new", path)

    def fleet(self):
        label = f"{CLUSTERS} clusters"
        self.configure()
        self.schedules(None)
        with Serving(self.binary, self.environment, os.path.join(self.place, "serve.log")) as serving:
            self.until(lambda: self.query("SELECT count(*) FROM schedule_runs") == CLUSTERS)
            time.sleep(20)
            doorbell = os.path.join(self.state, "doorbell")
            before = serving.cpu(thread=True)
            for _ in range(100):
                os.utime(doorbell)
                time.sleep(0.05)
            self.add(label, "a pass that finds nothing due, CPU", (serving.cpu(thread=True) - before) / 100, PASS_CPU)
            before, begun = serving.cpu(), time.monotonic()
            time.sleep(60)
            share = (serving.cpu() - before) / (time.monotonic() - begun)
            self.add(label, "`scheduler serve`, idle, CPU of one second", share)
            self.add(label, "`scheduler serve`, memory", serving.memory(), unit="B")
            self.schedules("* * * * *")
            minute = self.due(serving)
            self.add(label, f"{DUE} due ones found and queued", minute, DUE_SECONDS)

    def due(self, serving):
        """From the minute on which all are due until the last one has its job."""
        wanted = f"SELECT count(DISTINCT target) FROM jobs WHERE schedule = 'minutely' AND due_at = "
        # The configuration is read again within seconds; the first minute after that may come before.
        for _ in range(4):
            minute = (int(time.time()) // 60 + 1) * 60
            time.sleep(max(0, minute - time.time()))
            while time.time() < minute + 20:
                if self.query(wanted + str(minute * 1000)) == DUE:
                    return time.time() - minute
                time.sleep(0.01)
        raise SystemExit("bench: the due runs were not queued")

    def starts(self):
        directory = self.bench.fixture("k3s-1.20.8-sqlite-secrets-encrypted")
        store = os.path.join(self.place, "store")
        self.environment["DAYTWO_STATE_DIR"] = self.state = os.path.join(self.place, "state-starts")
        with Serving(self.binary, self.environment, os.path.join(self.place, "serve.log")):
            self.until(lambda: os.path.exists(os.path.join(self.state, "daytwo.sqlite")) and
                       self.query("SELECT count(*) FROM schedulers") == 1)
            time.sleep(10)
            seconds = []
            for _ in range(max(5, self.bench.options.runs)):
                job = self.daytwo("backup", "create", "--data-dir", directory, "--name", "one", "--store", store,
                                  "--detach", "-o", "name").strip()
                self.daytwo("jobs", "wait", job, "--quiet")
                seconds.append(self.query(f"SELECT (started_at - created_at) / 1000.0 FROM jobs WHERE id = {job}"))
        self.add("one cluster", "from `--detach` to the start of its job", statistics.median(seconds), START_SECONDS)

    def history(self):
        self.environment["DAYTWO_STATE_DIR"] = self.state = os.path.join(self.place, "state-history")
        self.daytwo("schedule", "trigger", "minutely", "--cluster", "c0")
        connection = sqlite3.connect(os.path.join(self.state, "daytwo.sqlite"))
        connection.execute("PRAGMA synchronous = OFF")
        # A year of it, up to now: numbers are in the order of time, as they are where nobody sets the clock.
        connection.execute("UPDATE jobs SET created_at = 0")
        first, step = int(time.time() * 1000) - 365 * 86_400_000, 365 * 86_400_000 // HISTORY
        connection.execute(f"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {HISTORY})
            INSERT INTO jobs (kind, target, parameters, origin, schedule, priority, max_attempts, created_at, not_before,
              state, finished_at, message)
            SELECT CASE i % 3 WHEN 0 THEN 'backup' WHEN 1 THEN 'verify' ELSE 'prune' END, 'local/c' || i % {DUE}, '{{}}',
              'schedule', 'minutely', 0, 3, {first} + i * {step}, 0, 'skipped', {first} + i * {step}, 'history' FROM n""")
        connection.commit()
        connection.close()
        for title, words in (("", ()), (" of one cluster", ("--cluster", "c7")), (" of one state", ("--state", "queued")),
                             (" of one kind and cluster", ("--kind", "verify", "--cluster", "c7")),
                             (" since an hour", ("--since", "1h"))):
            runs = []
            for _ in range(self.bench.options.runs):
                begun = time.monotonic()
                self.daytwo("jobs", "list", *words)
                runs.append(time.monotonic() - begun)
            self.add(f"{HISTORY} jobs", f"`jobs list`{title}", statistics.median(runs), LIST_SECONDS)

    def transitions(self):
        """Cancelling is one transaction of one job; beside it, SQLite's own commits of a row and its change."""
        count = 500
        self.environment["DAYTWO_STATE_DIR"] = self.state = os.path.join(self.place, "state-transitions")
        names = self.daytwo("schedule", "trigger", "minutely", "-o", "name").split()[:count]
        begun = time.monotonic()
        self.daytwo("jobs", "cancel", *names)
        ours = (time.monotonic() - begun) / count
        connection = sqlite3.connect(os.path.join(self.place, "plain.sqlite"), isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT, text TEXT)")
        connection.executemany("INSERT INTO jobs VALUES (?, 'queued', ?)", ((number, "x" * 200) for number in range(count)))
        begun = time.monotonic()
        for number in range(count):
            connection.execute("UPDATE jobs SET state = 'cancelled' WHERE id = ?", (number,))
        plain = (time.monotonic() - begun) / count
        connection.close()
        self.add("jobs", "one transition, durable", ours, peer="SQLite's own commit of such a row", other=plain)

    @staticmethod
    def until(condition, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except sqlite3.Error:
                pass
            time.sleep(0.2)
        raise SystemExit("bench: the scheduler did not get ready")
