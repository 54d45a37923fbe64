"""What a site installs: the package, in a throw-away Debian for each of two servers and nothing else in there; nginx with
the configuration of `deploy/nginx` before them, a MongoDB behind them."""

import pathlib
import shlex
import ssl
import subprocess
import sys

from place import Place
from ports import free_port, until_answers

DEPLOY = pathlib.Path(__file__).parent.parent.parent / "deploy"
CONFIG = "etc/pstn-lockdown/lockdown.toml"
SERVERS = {"lockdown-a.acme.example": "a", "lockdown-b.acme.example": "b"}


class Installed(Place):
    several = True
    cookie = "__Host-sess"
    proxy = None

    def outside_words(self):
        return ["--database"]

    def prepare(self, options):
        self.roots = dict(zip(SERVERS.values(), options.root, strict=True))
        self.ports = {name: free_port() for name in self.roots}
        self.unit = read_unit(options.root[0] / "usr/lib/systemd/system/pstn-lockdown.service")
        port = free_port()
        self.url = f"https://localhost:{port}"
        http = f'public_url = "{self.url}"\ntrusted_proxies = ["127.0.0.1"]'
        store = f'kind = "mongodb"\nmongodb_uri = "{self.addresses["database"]}"\ndata_dir = "/var/lib/pstn-lockdown"'
        for name, root in self.roots.items():
            # Written over what the package brought, so that owner and mode stay as it set them.
            (root / CONFIG).write_text(self.configuration(self.ports[name], http, store))
        self.proxy = Nginx(options.nginx, self.folder / "nginx", port, self.ports)
        self.context = ssl.create_default_context(cafile=self.proxy.folder / "cert.pem")

    def names(self):
        return list(self.roots)

    def inside(self, name, words):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **self.unit["environment"]}
        return {"args": ["chroot", self.roots[name], *words], "env": environment}

    def run(self, *words, check=True):
        how = self.inside("a", ["pstn-lockdown", *words, "--config", "/" + CONFIG])
        return subprocess.run(**how, stdout=subprocess.PIPE, check=check).stdout

    def start(self, name):
        """As the unit does: its command line, user and environment."""
        user, log = self.unit["User"], open(self.folder / f"log-{name}", "a")
        drop = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        how = self.inside(name, [*drop, *shlex.split(self.unit["ExecStart"])])
        self.servers[name] = subprocess.Popen(**how, stderr=log)
        until_answers(f"http://127.0.0.1:{self.ports[name]}/healthz")

    def close(self):
        super().close()
        if self.proxy:
            self.proxy.close()


def read_unit(path):
    lines = [line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    unit = dict(reversed(lines))
    unit["environment"] = dict([unit["Environment"].split("=", 1)])
    return unit


class Nginx:
    def __init__(self, program, folder, port, servers):
        self.folder = folder
        folder.mkdir()
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run([*words, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
        (folder / "nginx.conf").write_text(self.text(port, servers))
        command = [program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def text(self, port, servers):
        names = {
            "listen 80;": f"listen 127.0.0.1:{free_port()};", "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            # The public address has a port here.
            "/etc/ssl/pstn-lockdown": str(self.folder),
            "access_log /var/log/nginx/access.log pstn_lockdown;": "access_log off;",
            **{f"{host}:3000": f"127.0.0.1:{servers[name]}" for host, name in SERVERS.items()},
            "lockdown.acme.example": "localhost",
        }
        text = "".join((DEPLOY / "nginx" / name).read_text() for name in ("upstream-several.conf", "pstn-lockdown.conf"))
        for name, value in names.items():
            if name not in text:
                sys.exit(f"deploy/nginx names no {name}")
            text = text.replace(name, value)
        places = "".join(f"{what}_temp_path {self.folder}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        events = "events { worker_connections 4096; }"
        return f"daemon off;\nmaster_process off;\npid {self.folder}/pid;\n{events}\nhttp {{\naccess_log off;\n{places}{text}\n}}\n"

    def close(self):
        self.process.kill()
        self.process.wait()
