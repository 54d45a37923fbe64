"""Open consoles of signed-in people of the EOC: what they show is what the last piece of their line said."""

import re
import time
import urllib.error
import urllib.parse
import urllib.request

from place import AWAY
from queue_numbers import LINES_A_SESSION, Line

CONSOLES = 200
STANDING = re.compile(rb'"standing":"(\w+)"')


class Console(Line):
    """Opens its line anew as a browser does: as long after its end as it was told."""

    again, ended, standing = 3.0, None, None

    def __init__(self, *how):
        # When a line ended, and how many seconds later the next one spoke.
        self.gaps = []
        super().__init__(*how)

    def listen(self):
        while True:
            super().listen()
            self.standing, self.ended = None, self.ended or time.monotonic()
            self.come_back()

    def come_back(self):
        while True:
            time.sleep(self.again)
            try:
                return self.connect()
            except AWAY:
                pass

    def hear(self, line):
        if line.startswith(b"retry:"):
            self.again = int(line[6:]) / 1000
        if line.startswith(b"data:") and self.ended:
            self.gaps.append((self.ended, time.monotonic() - self.ended))
            self.ended = None
        if found := STANDING.search(line):
            self.standing = found[1].decode()


class Consoles:
    def __init__(self, place):
        self.place = place
        self.cookies = [sign_in(place) for _ in range(-(-CONSOLES // LINES_A_SESSION))]
        self.open = [Console(place.url, self.cookies[n // LINES_A_SESSION], place.context) for n in range(CONSOLES)]

    def came_back(self, begun, over):
        """Seconds without a line, of those that ended between two moments."""
        return [gap for console in self.open for ended, gap in console.gaps if begun <= ended <= over]

    def without_a_line(self, begun, over):
        """Still, of those whose line ended between two moments."""
        return sum(1 for console in self.open if console.ended and begun <= console.ended <= over)

    def show(self, standing):
        return all(console.standing == standing for console in self.open)

    def shown(self):
        return sorted({str(console.standing) for console in self.open})


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def sign_in(place):
    """From our link through the provider's page to our callback, as a browser goes. Returns its cookie."""
    https = urllib.request.HTTPSHandler(context=place.context)
    client = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), https, Stay)
    authorize = went(client, place.url + "/auth/login?return_to=/console")
    address = urllib.parse.urlparse(authorize)
    choice = f"{address.query}&oid={place.addresses['people'][0]['oid']}".encode()
    back = went(client, address._replace(path=address.path.replace("/authorize", "/choose"), query="").geturl(), choice)
    went(client, back)
    jar = next(handler.cookiejar for handler in client.handlers if hasattr(handler, "cookiejar"))
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar if cookie.name == place.cookie)


def went(client, url, body=None):
    try:
        client.open(url, body, timeout=30)
    except urllib.error.HTTPError as answer:
        if "Location" in answer.headers:
            return urllib.parse.urljoin(url, answer.headers["Location"])
        raise
    raise SystemExit(f"{url} leads nowhere")
