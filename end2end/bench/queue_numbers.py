"""The queue in numbers: how soon 200 open consoles have a request, how long a list, a search and an export take
with 10,000 requests and 10,000 events. Each against the plainest answer of the same server."""

import datetime
import hashlib
import json
import socket
import sqlite3
import statistics
import subprocess
import threading
import time
import urllib.parse

LINES = 200
# A session holds twelve.
LINES_A_SESSION = 12
REQUESTS = 10_000
ROUNDS = 20


def median(act, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
        # A key has 20 calls a second: it is not the limit that is measured.
        time.sleep(0.06)
    return statistics.median(times)


class Line:
    """An open console: one live line, read by hand, so that a client library costs nothing."""

    def __init__(self, url, cookie, context=None):
        self.address, self.cookie, self.context = urllib.parse.urlparse(url), cookie, context
        self.heard = {}
        self.open = threading.Event()
        self.connect()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def connect(self):
        self.socket = socket.create_connection((self.address.hostname, self.address.port))
        if self.context:
            self.socket = self.context.wrap_socket(self.socket, server_hostname=self.address.hostname)
        # The end of the line is the end of the connection, so that it is heard.
        head = f"GET /ui/live HTTP/1.1\r\nHost: {self.address.netloc}\r\nConnection: close\r\nCookie: {self.cookie}\r\nAccept: text/event-stream\r\n\r\n"
        self.socket.sendall(head.encode())
        self.file = self.socket.makefile("rb")

    def listen(self):
        try:
            for line in self.file:
                self.open.set()
                self.hear(line)
        except OSError:
            pass
        self.socket.close()

    def hear(self, line):
        at = time.perf_counter()
        if b'{"request"' in line:
            for word in (b"round %03d." % n for n in range(ROUNDS)):
                if word in line:
                    self.heard.setdefault(word, at)


def signed_in(world, count):
    """So many people of the EOC, each with a session: what is measured is the news, not the sign-in."""
    made = subprocess.run([world.lockdown, "people", "add", "--name", "Ann", "--role", "eoc", "--json", "--config", world.config], capture_output=True, check=True)
    person = json.loads(made.stdout)["id"]
    tokens = [f"bench-session-{n:02}" for n in range(count)]
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ")
    file = sqlite3.connect(world.folder / "data" / "lockdown.db", timeout=30)
    for token in tokens:
        identity, ends = hashlib.sha256(token.encode()).hexdigest(), stamp(now + datetime.timedelta(hours=8))
        doc = {"id": identity, "person": person, "created_at": stamp(now), "seen_at": stamp(now), "ends_at": ends}
        file.execute("INSERT INTO sessions (id, ends_at, doc) VALUES (?, ?, ?)", (identity, ends, json.dumps(doc)))
    file.commit()
    file.close()
    return tokens


def file_request(world, reason):
    world.call("POST", "/api/v1/call-requests", {"site": "bench", "who": "Ann", "call_back": "4711", "reason": reason})


def on_every_console(world, rows):
    tokens = signed_in(world, -(-LINES // LINES_A_SESSION))
    file_request(world, "family")
    lines = [Line(world.url, f"sess={tokens[n // LINES_A_SESSION]}") for n in range(LINES)]
    for line in lines:
        assert line.open.wait(20), "a line did not open"
    spans, answers = [], []
    for n in range(ROUNDS):
        word = "round %03d." % n
        begun = time.perf_counter()
        file_request(world, word)
        answers.append(time.perf_counter() - begun)
        end = time.monotonic() + 20
        while time.monotonic() < end and not all(word.encode() in line.heard for line in lines):
            time.sleep(0.005)
        spans.extend(line.heard[word.encode()] - begun for line in lines)
    spans.sort()
    p99 = spans[int(len(spans) * 0.99)]
    answered = statistics.median(answers)
    rows.add(f"a call request filed, on {LINES} open, signed-in consoles: p99", f"{p99 * 1000:.0f} ms, {p99 / answered:.1f} times its own answer", "≤ 250 ms", p99 <= 0.250)


def fill(world, begin, end):
    """Like the one that is there, many times over: what is measured is looking, not filing."""
    file = sqlite3.connect(world.folder / "data" / "lockdown.db", timeout=30)
    columns = [row[1] for row in file.execute("PRAGMA table_info(requests)")]
    row = dict(zip(columns, file.execute("SELECT * FROM requests WHERE number = 1").fetchone()))
    for n in range(begin, end + 1):
        doc = json.loads(row["doc"])
        number = f"+1780{n:07}"
        doc.update(id=f"req-{n}", number=n, form=f"f-{n}", who=f"Person {n}")
        new = {**row, "id": doc["id"], "number": n, "form": doc["form"], "doc": json.dumps(doc), "haystack": f"r-{n} person {n} {number} 1780{n:07} family", "number_key": number}
        file.execute(f"INSERT INTO requests VALUES ({','.join('?' * len(columns))})", [new[column] for column in columns])
    file.commit()
    seq, text, previous, link = file.execute("SELECT seq, doc, previous, link FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    event = json.loads(text)
    for n in range(begin, end + 1):
        seq += 1
        event.update(id=f"bench-{n}", seq=seq, site="bench", kind={"what": "drift_ended"})
        file.execute("INSERT INTO events (seq, doc, previous, link) VALUES (?, ?, ?, ?)", (seq, json.dumps(event), previous, link))
    file.commit()
    file.close()


def looked_at(world, size):
    """Each as a multiple of the cheapest answer there is."""
    plain = median(lambda: world.call("GET", "/api/v1/status"))
    incident = world.call("GET", "/api/v1/incidents")[0]["incidents"][0]["id"]
    asked = {
        "the first 100": "/api/v1/call-requests?limit=100",
        "one by name": f"/api/v1/call-requests?find=person+{size}",
        "one by its number in groups": f"/api/v1/call-requests?find=1+780+{size:07}",
        "the incident with its report": f"/api/v1/incidents/{incident}",
        "the alert feed": "/api/v1/alerts.atom",
    }
    return {what: median(lambda: world.text(path)) / plain for what, path in asked.items()}


def with_ten_thousand(world, rows):
    world.order("locked")
    fill(world, 2, REQUESTS // 2)
    half = looked_at(world, REQUESTS // 2)
    fill(world, REQUESTS // 2 + 1, REQUESTS)
    whole = looked_at(world, REQUESTS)
    for what in whole:
        rows.add(f"of {REQUESTS // 2} and of {REQUESTS} requests and events: {what}, against `GET /api/v1/status`", f"{half[what]:.1f} and {whole[what]:.1f} times", "")
    incident = world.call("GET", "/api/v1/incidents")[0]["incidents"][0]["id"]
    table = world.text(f"/api/v1/incidents/{incident}/export.csv")
    assert table.count(b"drift_ended") == REQUESTS - 1, table[:300]
    exported = median(lambda: world.text(f"/api/v1/incidents/{incident}/export.csv"), 5)
    rows.add(f"{REQUESTS} events of an incident as CSV", f"{exported:.2f} s", "< 5 s", exported < 5)
