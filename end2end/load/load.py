"""An hour in which everything goes wrong at random (by a seed), and what must hold the whole time:

- a standing that is shown is what calls really do (`locked` and `normal` are held against the simulated cluster);
- no emergency number is ever blocked;
- no entry of the timeline is lost, doubled or out of order, in the store and on a stream that is resumed;
- an order comes to be while everything but CUCM is away, and whatever was ordered last once the faults end;
- of two servers, one that is killed takes no answer with it, and one that is asked to stop no order;
- memory stays flat.

Faults: CUCM slow, busy, deaf, garbled, its answers lost; changes by hand; CUCM, the identity provider, Webex, its live line,
Finesse, one node of it, the phones and the database go away one by one and come back; the database, the world outside, or a
server hangs for seconds; a server is killed, or asked to stop, and started anew. 200 consoles of signed-in people are open meanwhile.

With `--lockdown` one server runs on an embedded file; with two `--root` what a site installs runs (`installed.py`).
"""

import argparse
import pathlib
import random
import statistics
import sys
import time

from consoles import Consoles
from held import Stream, each_event_once, flat
from installed import Installed
from place import Place
from soak import Soak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulators", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--lockdown", type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path, action="append")
    parser.add_argument("--nginx")
    parser.add_argument("minutes", type=float, nargs="?", default=60)
    parser.add_argument("seed", type=int, nargs="?", default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.minutes:g} minutes", flush=True)
    place = Installed(options) if options.root else Place(options)
    try:
        wrong = soak(place, options)
    finally:
        place.close()
    sys.exit(1 if wrong else 0)


def seconds(gaps):
    return f"{statistics.median(gaps):.1f} s, the last after {max(gaps):.1f} s" if gaps else "none"


def soak(place, options):
    consoles = Consoles(place)
    stream, run = Stream(place), Soak(place, consoles, options.seed, options.minutes)
    end = time.time() + options.minutes * 60
    run.each_once()
    while time.time() < end and len(run.wrong) < 10:
        run.step()
    run.settle()
    (events, lost), (memory, grown) = each_event_once(place, stream, run.activations), flat(run.memory, options.minutes)
    print(
        f"{run.orders} orders, {run.kills} kills, {run.outages} outages, {run.alone} orders with nothing there but CUCM, "
        f"{run.checks} looks, {run.claims} claims of locked or normal held against the cluster, {events} events, memory {memory}; "
        f"{len(run.came_back)} lines of a server that was asked to stop were open again after {seconds(run.came_back)}"
    )
    nothing = [] if run.claims else ["no claim of locked or normal was ever held against the cluster"]
    for what in lost + grown + nothing:
        run.is_wrong(what)
    return run.wrong


main()
