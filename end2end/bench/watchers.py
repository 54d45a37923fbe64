"""Five thousand open pages of the public: how soon the last of them has the news, and what each costs."""

import asyncio
import resource
import time
import urllib.parse

from http_numbers import resident

WATCHERS = 5000
ROUNDS = 5


class Watcher(asyncio.Protocol):
    """A live line, read by hand: the first piece with the word counts."""

    def __init__(self, head, opened):
        self.head, self.opened, self.word, self.heard = head, opened, None, None

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.head)

    def data_received(self, data):
        if not self.opened.done():
            self.opened.set_result(None)
        if self.word and self.heard is None and self.word in data:
            self.heard = time.perf_counter()


async def gather(world, count):
    loop = asyncio.get_running_loop()
    address = urllib.parse.urlparse(world.url)
    head = f"GET /ui/live HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode()
    watchers = []
    for begun in range(0, count, 200):
        opened = [loop.create_future() for _ in range(min(200, count - begun))]
        made = await asyncio.gather(*(loop.create_connection(lambda o=o: Watcher(head, o), address.hostname, address.port) for o in opened))
        await asyncio.gather(*opened)
        watchers += [watcher for _, watcher in made]
    return watchers


async def measured(world, rows):
    loop = asyncio.get_running_loop()
    before = resident(world.server.pid)
    watchers = await gather(world, WATCHERS)
    each = (resident(world.server.pid) - before) / WATCHERS
    latest, desired = [], "locked"
    for _ in range(ROUNDS):
        word = b'"standing":"pending"'
        for watcher in watchers:
            watcher.word, watcher.heard = word, None
        pressed = time.perf_counter()
        await loop.run_in_executor(None, world.order, desired)
        end = time.perf_counter() + 5
        while any(w.heard is None for w in watchers) and time.perf_counter() < end:
            await asyncio.sleep(0.02)
        delays = sorted(w.heard - pressed for w in watchers if w.heard is not None)
        heard = len(delays)
        if heard < WATCHERS * 0.99:
            # A line is closed after 24 s and opened anew by a browser; these are no browsers.
            break
        latest.append(delays[int(heard * 0.99) - 1])
        desired = "normal" if desired == "locked" else "locked"
    for watcher in watchers:
        watcher.transport.close()
    p99 = sorted(latest)[len(latest) // 2] if latest else float("inf")
    rows.add(f"press, until all of {WATCHERS} watchers have the news: p99 (watchers on the same two cores)", f"{p99 * 1000:.0f} ms", "≤ 250 ms", p99 <= 0.25)
    rows.add("memory for each watcher", f"{each / 1000:.1f} kB", "≤ 20 kB", each <= 20_000)


def watch(world, rows):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    asyncio.run(measured(world, rows))
