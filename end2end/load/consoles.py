"""Open consoles of signed-in people of the EOC: what they show is what the last piece of their line said."""

import re
import urllib.error
import urllib.parse
import urllib.request

from queue_numbers import LINES_A_SESSION, Line

CONSOLES = 200
STANDING = re.compile(rb'"standing":"(\w+)"')


class Console(Line):
    standing = None

    def hear(self, line):
        if found := STANDING.search(line):
            self.standing = found[1].decode()


class Consoles:
    def __init__(self, place):
        self.place = place
        self.cookies = [sign_in(place) for _ in range(-(-CONSOLES // LINES_A_SESSION))]
        self.open = [Console(place.url, self.cookie(n), place.context) for n in range(CONSOLES)]

    def cookie(self, n):
        return self.cookies[n // LINES_A_SESSION]

    def keep_open(self):
        """A line ends after 24 s and with its server; a browser opens it anew."""
        for n, console in enumerate(self.open):
            if not console.thread.is_alive():
                try:
                    self.open[n] = Console(self.place.url, self.cookie(n), self.place.context)
                except OSError:
                    pass

    def show(self, standing):
        self.keep_open()
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
