"""Everything goes wrong at random, by a seed; after each thing that goes wrong, a look at what must hold."""

import datetime
import random
import signal
import threading
import time
import urllib.error

from held import blocked_emergency_numbers, truth
from http_numbers import resident
from place import AWAY, SITE

FAULTS = [
    {"latency_ms": 250}, {"throttle": 3}, {"memory": 2}, {"half_open": 1}, {"cut": 2}, {"lose_answer": 2}, {"html": 2},
    {"throttle": 5, "retry_after": 1}, {"nils": True}, {"latency_ms": 40, "lose_answer": 1},
]
OTHERS = ["identity", "webex", "webex_line", "finesse_node", "finesse", "phones"]
DATABASE = ["database", "database_hangs"]
EDITS = [
    {"edit": "block_route_pattern", "pattern": "9.[2-9]XXXXXX", "partition": "PT-PSTN-LOCAL"},
    {"edit": "block_route_pattern", "pattern": "9.1[2-9]XX[2-9]XXXXXX", "partition": "PT-PSTN-LD"},
]
STEPS = {"lock": 20, "release": 20, "fault": 20, "well": 20, "edit": 12, "out": 12, "back": 14, "alone": 2, "stop": 4, "hang": 2, "kill": 1, "leave": 2}
# Busy, or the state has changed, or nobody can be told of an all-clear.
REFUSALS = (412, 429, 503)


class Soak:
    def __init__(self, place, consoles, seed, minutes):
        self.place, self.consoles, self.chance = place, consoles, random.Random(seed)
        self.others = OTHERS + (DATABASE if place.several else [])
        self.edited = time.time()
        self.grows_old = time.time() + minutes * 60 / 4
        self.names = self.chance.sample(place.names(), len(place.names()))
        self.checks = self.claims = self.orders = self.kills = self.outages = self.alone = 0
        self.away = set()
        self.wrong, self.memory, self.came_back = [], [], []
        # What was ordered last, as far as the answer came.
        self.wanted = "normal"
        # Locks whose order was accepted, by their activation.
        self.activations = set()

    def is_wrong(self, what):
        self.wrong.append(what)
        print(f"WRONG, {time.strftime('%H:%M:%S')}: {what}", flush=True)

    def look(self):
        """Holds what is shown against what is so."""
        self.checks += 1
        for blocked in blocked_emergency_numbers(self.place):
            self.is_wrong(blocked)
        try:
            site = self.place.status()["sites"][0]
        except AWAY as error:
            # Of several servers one is there and awake, and the proxy finds it.
            if self.place.several:
                self.is_wrong(f"no state to be had: {error}")
            return
        if site["state"] not in ("locked", "normal") or not site.get("read_at"):
            return
        read_at = datetime.datetime.fromisoformat(site["read_at"].replace("Z", "+00:00")).timestamp()
        age, is_so = time.time() - read_at, truth(self.place)
        if age > 31:
            self.is_wrong(f"shown {site['state']} by a reading of {age:.0f} s")
        if read_at > self.last_change_it_cannot_know():
            self.claims += 1
            if is_so != site["state"]:
                self.is_wrong(f"shown {site['state']} while calls are {is_so}")

    def look_whatever_comes(self):
        """In a thread of its own, whose end nobody would hear of."""
        try:
            self.look()
        except Exception as error:
            self.is_wrong(f"a look failed: {error!r}")

    def last_change_it_cannot_know(self):
        """One server knows of all that it wrote itself; one of several, only what it has read since."""
        return self.place.control("/sim/changed") or 0 if self.place.several else self.edited

    def order(self, desired):
        try:
            _, etag = self.place.call("GET", f"/api/v1/sites/{SITE}", timeout=10)
            taken, _ = self.place.call("PUT", f"/api/v1/sites/{SITE}/lockdown", {"desired": desired}, etag, timeout=15)
            if desired == "locked":
                self.activations.add(taken["command"]["activation"])
            self.wanted = desired
            self.orders += 1
        except urllib.error.HTTPError as error:
            if error.code == 504 and self.place.several:
                self.wanted = None
            elif error.code not in REFUSALS:
                self.is_wrong(f"{desired}: {error.code} {error.read()[:200]}")
        except AWAY:
            self.wanted = None

    def edit(self):
        blocked = self.chance.random() < 0.5
        self.place.control("/sim/edit", {**self.chance.choice(EDITS), "blocked": blocked})
        self.edited = time.time()

    def stop_the_world(self):
        self.place.outside.send_signal(signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, 5))
        self.place.outside.send_signal(signal.SIGCONT)

    def out(self):
        part = self.chance.choice(["cucm", *self.others])
        self.outages += part not in self.away
        self.away.add(part)
        self.place.outage(part, False)

    def back(self, parts):
        for part in list(parts):
            self.place.outage(part, True)
            self.away.discard(part)
        # One node of Finesse is a part of it: what is left away is away.
        for part in sorted(self.away):
            self.place.outage(part, False)

    def order_alone(self):
        """Nothing but CUCM is there: an order comes to be. With the database away, a lock."""
        self.place.control("/sim/faults", {})
        self.back(set(self.away) if self.place.several else {"cucm"} & self.away)
        desired = "normal" if self.desired() == "locked" else "locked"
        if self.place.several and desired == "normal":
            self.until_so("normal")
            desired = "locked"
        for part in self.others:
            self.away.add(part)
            self.place.outage(part, False)
        self.until_so(desired)
        self.alone += 1
        self.back(set(self.away))

    def until_so(self, desired):
        """Ordered where the other was, and come to be."""
        orders, end = self.orders, time.time() + 60
        while self.orders == orders and time.time() < end:
            self.order(desired)
            time.sleep(0.2)
        while truth(self.place) != desired and time.time() < end:
            time.sleep(0.2)
        if self.orders == orders or truth(self.place) != desired:
            self.is_wrong(f"{desired} never came to be, with {sorted(self.away)} away")

    def is_so(self, desired):
        try:
            return truth(self.place) == desired and self.place.status()["state"] == desired
        except AWAY:
            return False

    def any_server(self):
        """Of several, one lives through all but the beginning: its memory is looked at."""
        return self.chance.choice(self.names if time.time() < self.grows_old else self.names[1:] or self.names)

    def kill(self):
        """Of several, the others go on, and what was asked at that moment is answered."""
        self.kills += 1
        name = self.any_server()
        asking = [threading.Thread(target=self.look_whatever_comes) for _ in range(4 if self.place.several else 0)]
        for thread in asking:
            thread.start()
        self.place.kill(name)
        for thread in asking:
            thread.join()
        if self.place.several:
            self.look()
        time.sleep(self.chance.uniform(0, 1))
        self.place.start(name)

    def hang(self):
        server = self.place.servers[self.any_server()]
        server.send_signal(signal.SIGSTOP)
        if self.place.several:
            self.look()
        time.sleep(self.chance.uniform(0.5, 5))
        server.send_signal(signal.SIGCONT)

    def leave(self):
        """A server is asked to stop in the middle of an order, as for an upgrade: the order goes on, consoles come back."""
        self.back(set(self.away))
        self.place.control("/sim/faults", {"latency_ms": 100})
        desired, orders, name = "normal" if self.desired() == "locked" else "locked", self.orders, self.any_server()
        self.order(desired)
        begun = time.monotonic()
        if code := self.place.stop(name):
            self.is_wrong(f"a server that was asked to stop ended with {code}")
        if self.place.several:
            self.look()
        self.place.start(name)
        if self.orders > orders and not until(60, lambda: truth(self.place) == desired):
            self.is_wrong(f"{desired} did not go on when a server stopped")
        # Lines end at once; later ones end because their time is up.
        over = begun + 1
        if not until(10, lambda: not self.consoles.without_a_line(begun, over)):
            self.is_wrong("consoles had no line ten seconds after a server was asked to stop")
        self.came_back += self.consoles.came_back(begun, over)

    def step(self):
        match self.chance.choices(list(STEPS), list(STEPS.values()))[0]:
            case "lock":
                self.order("locked")
            case "release":
                self.order("normal")
            case "fault":
                self.place.control("/sim/faults", self.chance.choice(FAULTS))
            case "well":
                self.place.control("/sim/faults", {})
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
            case "hang":
                self.hang()
            case "kill":
                self.kill()
            case "leave":
                self.leave()
        for _ in range(self.chance.randint(1, 4)):
            self.look()
            time.sleep(self.chance.uniform(0.05, 0.6))
        for name, server in list(self.place.servers.items()):
            if (code := server.poll()) is not None:
                self.is_wrong(f"server {name} ended by itself with {code}")
                self.place.start(name)
        self.memory += [(server.pid, resident(server.pid)) for server in self.place.servers.values()]

    def each_once(self):
        """What is rare by chance, so that a short run has it too."""
        for act in (self.kill, self.hang, self.leave, self.order_alone):
            act()
            self.look()

    def settle(self):
        """The faults end: a lock that was ordered last counts, what is ordered now comes to be, and everybody shows it."""
        self.place.control("/sim/faults", {})
        self.back(set(self.away))
        if self.wanted == "locked" and not until(20, lambda: self.desired() == "locked"):
            self.is_wrong("the lock that was ordered last does not count")
        # Ordering what is ordered would not undo what was changed by hand.
        for desired in ("locked", "normal", "locked"):
            self.until_so(desired)
        if not until(60, lambda: self.is_so("locked")):
            self.is_wrong("the last order is not shown")
        if not until(60, lambda: self.is_told()):
            self.is_wrong(f"what was away was never told: {self.place.control('/sim/told', at='outages')}")
        if not until(60, lambda: self.consoles.show("locked")):
            self.is_wrong(f"consoles show {self.consoles.shown()}")

    def desired(self):
        """As far as it can be asked."""
        try:
            return self.place.call("GET", f"/api/v1/sites/{SITE}", timeout=10)[0]["command"]["desired"]
        except AWAY:
            return None

    def is_told(self):
        """Whatever was away shows the lock now."""
        told = self.place.control("/sim/told", at="outages")
        # One of several servers writes; each of them listens.
        phones = [banner or "" for banner in told["banners"][:2]]
        return all(banner.startswith("PSTN LOCKED") for banner in phones) and told["desktops"] == 1 and told["webex_listeners"] == len(self.place.names())


def until(seconds, holds):
    end = time.time() + seconds
    while time.time() < end:
        if holds():
            return True
        time.sleep(0.5)
    return False
