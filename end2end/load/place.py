"""Where the product runs while everything goes wrong, and the world outside of it.

`Place` is one server on an embedded file, as `cargo xtask run` has it; `installed.Installed` is what a site installs."""

import http.client
import json
import pathlib
import shutil
import subprocess
import urllib.request

from ports import free_port, until_answers

SITE = "acme-north"
# No answer, or half of one.
AWAY = (OSError, http.client.HTTPException)
DEMO = (pathlib.Path(__file__).parent.parent / "demo-site.toml").read_text()


class Place:
    # Several servers know of each other's writes only when they read them.
    several = False
    context = None
    cookie = "sess"

    def __init__(self, options):
        self.folder = options.folder
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.outside = subprocess.Popen([options.simulators, *self.outside_words()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.servers = {}
        try:
            self.begin(options)
        except BaseException:
            self.close()
            raise

    def begin(self, options):
        self.addresses = json.loads(self.outside.stdout.readline())
        self.prepare(options)
        add = ["clients", "add", "--name", "load", "--scope", "status:read,lock:enable,lock:release", "--json"]
        self.key = json.loads(self.run(*add))["key"]
        person = self.addresses["people"][0]
        self.run("people", "add", "--name", person["name"], "--subject", person["oid"], "--role", "eoc")
        for name in self.names():
            self.start(name)

    def outside_words(self):
        return []

    def prepare(self, options):
        self.lockdown = options.lockdown
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.config = self.folder / "lockdown.toml"
        self.config.write_text(self.configuration(port, "", 'data_dir = "data"'))

    def names(self):
        return ["the server"]

    def run(self, *words, check=True):
        return subprocess.run([self.lockdown, *words, "--config", self.config], stdout=subprocess.PIPE, check=check).stdout

    def configuration(self, port, http, store):
        a = self.addresses
        return (
            f'[http]\nlisten = "127.0.0.1:{port}"\nlines_per_address = 6000\n{http}\n[store]\n{store}\n'
            f'[cucm]\nurl = "{a["axl"]}"\nusername = "axl-lockdown"\npassword = "axl-demo"\nsweep = "1s"\ntimeout = "2s"\n'
            f'tls = {{ pin_sha256 = ["{a["fingerprint"]}"] }}\n'
            f'[identity]\nmetadata_url = "{a["metadata_url"]}"\nissuer = "{a["issuer"]}"\n'
            f'client_id = "63d19d63-e3fe-4b9c-8e4a-2b2b9a7d3a10"\nclient_secret = "b2c-demo-secret"\nprobe = "1s"\n'
            f'[webex]\nbot_token = "{a["webex"]["token"]}"\napi_url = "{a["webex"]["api"]}"\nu2c_url = "{a["webex"]["u2c"]}"\ndomains = ["127.0.0.1"]\n'
            f'[finesse]\norigins = {json.dumps(a["finesse"]["origins"])}\n[finesse.notice]\nservers = {json.dumps(a["finesse"]["origins"])}\n'
            f'username = "{a["finesse"]["username"]}"\npassword = "{a["finesse"]["password"]}"\nteams = ["10"]\n'
            f'[phone]\nnetworks = ["127.0.0.1"]\n[phone.push]\nusername = "{a["phones"]["username"]}"\npassword = "{a["phones"]["password"]}"\n'
            + "".join(f'[[phone.device]]\nname = "{p["device"]}"\nsite = "{SITE}"\naddress = "{p["address"]}"\n' for p in a["phones"]["all"][:2])
            + DEMO
        )

    def start(self, name):
        log = open(self.folder / "log", "a")
        self.servers[name] = subprocess.Popen([self.lockdown, "serve", "--config", self.config], stderr=log)
        until_answers(self.url + "/healthz")

    def kill(self, name):
        self.servers[name].kill()
        self.servers[name].wait()

    def stop(self, name):
        """As the unit asks it to, which kills after 15 s. How it ended."""
        self.servers[name].terminate()
        try:
            return self.servers[name].wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill(name)
            return "a kill"

    def call(self, method, path, body=None, etag=None, timeout=70):
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if etag:
            headers["If-Match"] = etag
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=timeout, context=self.context) as answer:
            return json.load(answer), answer.headers.get("ETag")

    def status(self, timeout=10):
        return self.call("GET", "/api/v1/status", timeout=timeout)[0]

    def outage(self, part, up):
        self.control("/sim/outages", {"part": part, "up": up}, at="outages")

    def control(self, path, body=None, at="control"):
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.addresses[at] + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=90) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def dial(self, css, digits):
        return self.control(f"/sim/dial?css={css}&digits={urllib.request.quote(digits)}")["outcome"]

    def close(self):
        for child in self.servers.values():
            child.kill()
            child.wait()
        # It ends what it started itself, the database among it.
        self.outside.stdin.close()
        self.outside.wait()
