"""What must hold, looked at from outside: by calls in the simulated cluster, by the store, by the process."""

import collections
import json
import statistics
import threading
import time
import urllib.request

from place import AWAY

EMERGENCY = [(css, number) for css in ("CSS-PHONE-LD", "CSS-PHONE-LOCAL", "CSS-ELEVATOR") for number in ("911", "9911", "988", "+911")]
OUT, LOCAL, FORWARD, IN = ("CSS-PHONE-LD", "914165551234"), ("CSS-PHONE-LOCAL", "92345678"), ("CSS-FORWARD", "92345678"), ("CSS-INBOUND", "4035554101")


def truth(place):
    """What calls really do: `locked`, `normal`, or neither."""
    out, local, forward, inbound = (place.dial(*call) for call in (OUT, LOCAL, FORWARD, IN))
    eoc = lambda outcome: outcome == {"went": "rings", "number": "5911"}
    pstn = lambda outcome: outcome["went"] == "pstn"
    if eoc(out) and eoc(local) and eoc(inbound) and forward["went"] == "blocked":
        return "locked"
    if pstn(out) and pstn(local) and pstn(forward) and inbound == {"went": "rings", "number": "4101"}:
        return "normal"
    return "neither"


def blocked_emergency_numbers(place):
    for css, number in EMERGENCY:
        went = place.dial(css, number)
        if went.get("by") != "RL-EMERGENCY":
            yield f"{number} from {css}: {went}"


class Stream(threading.Thread):
    """Follows the timeline, and goes on where it was when the line ends."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place, self.seen, self.wrong = place, [], []
        self.start()

    def run(self):
        while True:
            try:
                self.follow()
            except AWAY:
                pass
            time.sleep(0.1)

    def follow(self):
        headers = {"Authorization": f"Bearer {self.place.key}"}
        if self.seen:
            headers["Last-Event-ID"] = str(self.seen[-1])
        request = urllib.request.Request(self.place.url + "/api/v1/events/stream", headers=headers)
        with urllib.request.urlopen(request, timeout=60, context=self.place.context) as answer:
            for line in answer:
                if line.startswith(b"id:"):
                    seq = int(line[3:])
                    if self.seen and seq != self.seen[-1] + 1:
                        self.wrong.append((self.seen[-1], seq))
                    self.seen.append(seq)


def timeline(place):
    events, after = [], 0
    while True:
        page = place.call("GET", f"/api/v1/events?after={after}&limit=500")[0]["events"]
        time.sleep(0.06)
        if not page:
            return events
        events += sorted(page, key=lambda event: event["seq"])
        after = events[-1]["seq"]


def each_event_once(place, stream, activations):
    """In the store and on the stream, and each accepted lock among them. Returns how many there are, and what is wrong."""
    events = timeline(place)
    seqs, wrong = [event["seq"] for event in events], []
    told = collections.Counter(e["detail"]["activation"] for e in events if e["detail"]["what"] == "lock_ordered")
    wrong += [f"the lock {one} was accepted and is told {told[one]} times" for one in sorted(activations) if told[one] != 1]
    wrong += [f"the lock {one} is told {count} times" for one, count in told.items() if count != 1 and one not in activations]
    if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
        wrong.append("the timeline has a gap or a double")
    end = time.time() + 20
    while stream.seen[-1] < seqs[-1] and time.time() < end:
        time.sleep(0.1)
    if stream.seen != list(range(stream.seen[0], stream.seen[0] + len(stream.seen))) or stream.seen[-1] < seqs[-1]:
        wrong.append(f"the stream missed or doubled: {stream.wrong[:5]}, ends at {stream.seen[-1]} of {seqs[-1]}")
    if not json.loads(place.run("events", "verify", "--json", check=False))["whole"]:
        wrong.append("the chain of the timeline is broken")
    return len(seqs), wrong


def flat(memory, minutes):
    """Of the process that lived longest, its last quarter against its second; and what is wrong with it."""
    by_process = {}
    for pid, held in memory:
        by_process.setdefault(pid, []).append(held)
    longest = max(by_process.values(), key=len, default=[])
    quarter = len(longest) // 4
    if quarter < 5:
        return "too short to tell", ["no process lived long enough to look at its memory"] if minutes >= 10 else []
    early, late = (statistics.median(longest[at : at + quarter]) / 1e6 for at in (quarter, len(longest) - quarter))
    wrong = [f"memory grew from {early:.0f} to {late:.0f} MB"] if late > early * 1.1 + 5 else []
    return f"{early:.0f} MB, later {late:.0f} MB", wrong
