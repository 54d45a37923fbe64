"""An hour in which everything goes wrong at random (by a seed), and what must hold the whole time:

- a standing that is shown is what calls really do (`locked` and `normal` are held against the simulated cluster);
- no emergency number is ever blocked;
- no entry of the timeline is lost, doubled or out of order, in the store and on a stream that is resumed;
- an order comes to be while everything but CUCM is away, and whatever was ordered last once the faults end;
- memory stays flat.

Faults: CUCM slow, busy, deaf, garbled, its answers lost; changes by hand; CUCM, the identity provider, Webex, its live line,
Finesse, one node of it and the phones go away one by one and come back; all of it hangs for seconds; the server is killed
and started anew. 200 consoles are open meanwhile.
"""

import argparse
import datetime
import json
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from http_numbers import resident
from ports import free_port, until_answers
from queue_numbers import LINES_A_SESSION, Line, signed_in

CONSOLES = 200
SITE = "acme-north"
EMERGENCY = [(css, number) for css in ("CSS-PHONE-LD", "CSS-PHONE-LOCAL", "CSS-ELEVATOR") for number in ("911", "9911", "988", "+911")]
OUT, LOCAL, FORWARD, IN = ("CSS-PHONE-LD", "914165551234"), ("CSS-PHONE-LOCAL", "92345678"), ("CSS-FORWARD", "92345678"), ("CSS-INBOUND", "4035554101")
FAULTS = [
    {"latency_ms": 250}, {"throttle": 3}, {"memory": 2}, {"half_open": 1}, {"cut": 2}, {"lose_answer": 2}, {"html": 2},
    {"throttle": 5, "retry_after": 1}, {"nils": True}, {"latency_ms": 40, "lose_answer": 1},
]
OTHERS = ["identity", "webex", "webex_line", "finesse_node", "finesse", "phones"]
EDITS = [
    {"edit": "block_route_pattern", "pattern": "9.[2-9]XXXXXX", "partition": "PT-PSTN-LOCAL"},
    {"edit": "block_route_pattern", "pattern": "9.1[2-9]XX[2-9]XXXXXX", "partition": "PT-PSTN-LD"},
]


class World:
    def __init__(self, options):
        self.lockdown, self.folder = options.lockdown, options.folder
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.outside = subprocess.Popen([options.simulators], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addresses = json.loads(self.outside.stdout.readline())
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.config = self.folder / "lockdown.toml"
        self.config.write_text(self.configuration(port))
        self.server = None
        add = [self.lockdown, "clients", "add", "--name", "load", "--scope", "status:read,lock:enable,lock:release", "--json", "--config", self.config]
        self.key = json.loads(subprocess.run(add, capture_output=True, check=True).stdout)["key"]
        self.start()

    def configuration(self, port):
        a = self.addresses
        demo = (pathlib.Path(__file__).parent.parent / "demo-site.toml").read_text()
        return (
            f'[http]\nlisten = "127.0.0.1:{port}"\nlines_per_address = 6000\n[store]\ndata_dir = "data"\n'
            f'[cucm]\nurl = "{a["axl"]}"\nusername = "axl-lockdown"\npassword = "axl-demo"\nsweep = "1s"\ntimeout = "2s"\n'
            f'tls = {{ pin_sha256 = ["{a["fingerprint"]}"] }}\n'
            f'[identity]\nmetadata_url = "{a["metadata_url"]}"\nissuer = "{a["issuer"]}"\n'
            f'client_id = "63d19d63-e3fe-4b9c-8e4a-2b2b9a7d3a10"\nclient_secret = "b2c-demo-secret"\nprobe = "1s"\n'
            f'[webex]\nbot_token = "{a["webex"]["token"]}"\napi_url = "{a["webex"]["api"]}"\nu2c_url = "{a["webex"]["u2c"]}"\ndomains = ["127.0.0.1"]\n'
            f'[finesse]\norigins = {json.dumps(a["finesse"]["origins"])}\n[finesse.notice]\nservers = {json.dumps(a["finesse"]["origins"])}\n'
            f'username = "{a["finesse"]["username"]}"\npassword = "{a["finesse"]["password"]}"\nteams = ["10"]\n'
            f'[phone]\nnetworks = ["127.0.0.1"]\n[phone.push]\nusername = "{a["phones"]["username"]}"\npassword = "{a["phones"]["password"]}"\n'
            + "".join(f'[[phone.device]]\nname = "{p["device"]}"\nsite = "{SITE}"\naddress = "{p["address"]}"\n' for p in a["phones"]["all"][:2])
            + demo
        )

    def start(self):
        log = open(self.folder / "log", "a")
        self.server = subprocess.Popen([self.lockdown, "serve", "--config", self.config], stderr=log)
        until_answers(self.url + "/healthz")

    def kill(self):
        self.server.kill()
        self.server.wait()

    def call(self, method, path, body=None, etag=None, timeout=70):
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if etag:
            headers["If-Match"] = etag
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer), answer.headers.get("ETag")

    def outage(self, part, up):
        self.control("/sim/outages", {"part": part, "up": up}, at="outages")

    def control(self, path, body=None, at="control"):
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.addresses[at] + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def dial(self, css, digits):
        return self.control(f"/sim/dial?css={css}&digits={urllib.request.quote(digits)}")["outcome"]

    def close(self):
        for child in (self.server, self.outside):
            child.kill()
            child.wait()


class Stream(threading.Thread):
    """Follows the timeline, and goes on where it was when the line ends."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.seen, self.wrong = world, [], []
        self.start()

    def run(self):
        while True:
            try:
                self.follow()
            except OSError:
                time.sleep(0.1)

    def follow(self):
        headers = {"Authorization": f"Bearer {self.world.key}"}
        if self.seen:
            headers["Last-Event-ID"] = str(self.seen[-1])
        request = urllib.request.Request(self.world.url + "/api/v1/events/stream?after=0", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            for line in answer:
                if line.startswith(b"id:"):
                    seq = int(line[3:])
                    if self.seen and seq != self.seen[-1] + 1:
                        self.wrong.append((self.seen[-1], seq))
                    self.seen.append(seq)


def truth(world):
    """What calls really do: `locked`, `normal`, or neither."""
    out, local, forward, inbound = (world.dial(*call) for call in (OUT, LOCAL, FORWARD, IN))
    eoc = lambda outcome: outcome == {"went": "rings", "number": "5911"}
    pstn = lambda outcome: outcome["went"] == "pstn"
    if eoc(out) and eoc(local) and eoc(inbound) and forward["went"] == "blocked":
        return "locked"
    if pstn(out) and pstn(local) and pstn(forward) and inbound == {"went": "rings", "number": "4101"}:
        return "normal"
    return "neither"


class Soak:
    def __init__(self, world, seed):
        self.world, self.chance = world, random.Random(seed)
        self.changed = time.time()
        self.checks = self.claims = self.orders = self.kills = self.outages = self.alone = 0
        self.away = set()
        self.wrong, self.memory = [], []
        self.wanted = "normal"

    def look(self):
        """Holds what is shown against what is so."""
        self.checks += 1
        for css, number in EMERGENCY:
            went = self.world.dial(css, number)
            if went.get("by") != "RL-EMERGENCY":
                self.wrong.append(f"{number} from {css}: {went}")
        try:
            site = self.world.call("GET", "/api/v1/status", timeout=10)[0]["sites"][0]
        except OSError:
            return
        if site["state"] not in ("locked", "normal") or not site.get("read_at"):
            return
        read_at = datetime.datetime.fromisoformat(site["read_at"].replace("Z", "+00:00")).timestamp()
        age, is_so = time.time() - read_at, truth(self.world)
        if age > 31:
            self.wrong.append(f"shown {site['state']} by a reading of {age:.0f} s")
        if read_at > self.changed:
            self.claims += 1
            if is_so != site["state"]:
                self.wrong.append(f"shown {site['state']} while calls are {is_so}")

    def order(self, desired):
        try:
            _, etag = self.world.call("GET", f"/api/v1/sites/{SITE}", timeout=10)
            self.world.call("PUT", f"/api/v1/sites/{SITE}/lockdown", {"desired": desired}, etag, timeout=15)
            self.wanted = desired
            self.orders += 1
        except urllib.error.HTTPError as error:
            if error.code not in (412, 429, 503):
                self.wrong.append(f"{desired}: {error.code} {error.read()[:200]}")
        except OSError:
            pass

    def edit(self):
        blocked = self.chance.random() < 0.5
        self.world.control("/sim/edit", {**self.chance.choice(EDITS), "blocked": blocked})
        self.changed = time.time()

    def stop_the_world(self):
        self.world.outside.send_signal(signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, 5))
        self.world.outside.send_signal(signal.SIGCONT)

    def out(self):
        part = self.chance.choice(["cucm", *OTHERS])
        self.outages += part not in self.away
        self.away.add(part)
        self.world.outage(part, False)

    def back(self, parts):
        for part in list(parts):
            self.world.outage(part, True)
            self.away.discard(part)
        # One node of Finesse is a part of it: what is left away is away.
        for part in self.away:
            self.world.outage(part, False)

    def order_alone(self):
        """Nothing but CUCM is there: an order comes to be."""
        self.world.control("/sim/faults", {})
        self.back({"cucm"} & self.away)
        for part in OTHERS:
            self.away.add(part)
            self.world.outage(part, False)
        site = self.world.call("GET", f"/api/v1/sites/{SITE}")[0]
        desired = "normal" if site["command"]["desired"] == "locked" else "locked"
        orders, end = self.orders, time.time() + 60
        while self.orders == orders and time.time() < end:
            self.order(desired)
            time.sleep(0.2)
        while not self.is_so(desired) and time.time() < end:
            time.sleep(0.2)
        self.alone += 1
        if self.orders == orders or not self.is_so(desired):
            self.wrong.append(f"{desired} never came to be with nothing there but CUCM")
        self.back(set(self.away))

    def is_so(self, desired):
        return truth(self.world) == desired and self.world.call("GET", "/api/v1/status")[0]["state"] == desired

    def kill(self):
        self.kills += 1
        self.world.kill()
        time.sleep(self.chance.uniform(0, 1))
        self.world.start()

    def step(self):
        what = self.chance.choices(["lock", "release", "fault", "well", "edit", "out", "back", "alone", "stop", "kill"], [20, 20, 20, 20, 12, 12, 14, 2, 4, 1])[0]
        match what:
            case "lock":
                self.order("locked")
            case "release":
                self.order("normal")
            case "fault":
                self.world.control("/sim/faults", self.chance.choice(FAULTS))
            case "well":
                self.world.control("/sim/faults", {})
            case "edit":
                self.edit()
            case "out":
                self.out()
            case "back" if self.away:
                self.back({self.chance.choice(sorted(self.away))})
            case "alone":
                self.order_alone()
            case "stop":
                self.stop_the_world()
            case "kill":
                self.kill()
        for _ in range(self.chance.randint(1, 4)):
            self.look()
            time.sleep(self.chance.uniform(0.05, 0.6))
        self.memory.append((time.time(), self.world.server.pid, resident(self.world.server.pid)))

    def settle(self):
        """The faults end: what was ordered last comes to be."""
        self.world.control("/sim/faults", {})
        self.back(set(self.away))
        self.order("locked")
        end = time.time() + 120
        while not (self.is_so("locked") and self.is_told()) and time.time() < end:
            time.sleep(0.5)
        if not self.is_so("locked"):
            self.wrong.append("the last order never came to be")
        if not self.is_told():
            self.wrong.append(f"what was away was never told: {self.world.control('/sim/told', at='outages')}")

    def is_told(self):
        """Whatever was away shows the lock now."""
        told = self.world.control("/sim/told", at="outages")
        phones = [banner or "" for banner in told["banners"][:2]]
        return all(banner.startswith("PSTN LOCKED") for banner in phones) and told["desktops"] == 1 and told["webex_listeners"] == 1


def told(world, stream, wrong):
    """Every number once, in the store and on the stream."""
    seqs, after = [], 0
    while True:
        page = world.call("GET", f"/api/v1/events?after={after}&limit=500")[0]["events"]
        time.sleep(0.06)
        if not page:
            break
        seqs += sorted(event["seq"] for event in page)
        after = max(seqs)
    if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
        wrong.append("the timeline has a gap or a double")
    end = time.time() + 20
    while stream.seen[-1] < seqs[-1] and time.time() < end:
        time.sleep(0.1)
    if stream.seen != list(range(stream.seen[0], stream.seen[0] + len(stream.seen))) or stream.seen[-1] < seqs[-1]:
        wrong.append(f"the stream missed or doubled: {stream.wrong[:5]}, ends at {stream.seen[-1]} of {seqs[-1]}")
    return len(seqs)


def flat(memory, wrong):
    """Of each process that lived for a while, its last quarter against its second."""
    by_process = {}
    for _, pid, held in memory:
        by_process.setdefault(pid, []).append(held)
    longest = max(by_process.values(), key=len)
    quarter = len(longest) // 4
    if quarter < 5:
        return "too short to tell"
    early, late = (statistics.median(longest[at : at + quarter]) for at in (quarter, len(longest) - quarter))
    if late > early * 1.25 + 10e6:
        wrong.append(f"memory grew from {early / 1e6:.0f} to {late / 1e6:.0f} MB")
    return f"{early / 1e6:.0f} MB, later {late / 1e6:.0f} MB"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("lockdown", "simulators", "folder"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("minutes", type=float, nargs="?", default=60)
    parser.add_argument("seed", type=int, nargs="?", default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.minutes:g} minutes", flush=True)
    world = World(options)
    try:
        soak(world, options)
    finally:
        world.close()


def soak(world, options):
    tokens = signed_in(world, -(-CONSOLES // LINES_A_SESSION))
    lines = [Line(world.url, tokens[n // LINES_A_SESSION]) for n in range(CONSOLES)]
    stream, run = Stream(world), Soak(world, options.seed)
    end = time.time() + options.minutes * 60
    while time.time() < end and len(run.wrong) < 10:
        run.step()
        # A line ends after 24 s and with its server; a browser opens it anew.
        lines = [line if line.thread.is_alive() else Line.again(line) for line in lines]
    run.settle()
    events = told(world, stream, run.wrong)
    memory = flat(run.memory, run.wrong)
    print(f"{run.orders} orders, {run.kills} kills, {run.outages} outages, {run.alone} orders with nothing there but CUCM, {run.checks} looks, {run.claims} claims of locked or normal held against the cluster, {events} events, memory {memory}")
    for what in run.wrong:
        print(f"WRONG: {what}")
    sys.exit(1 if run.wrong else 0)


main()
