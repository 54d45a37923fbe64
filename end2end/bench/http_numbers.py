"""How many times a second the state and a file are answered, against peers in the same run, round about."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

from ports import free_port, until_answers

ROUNDS = 3
SECONDS = 4


def rate(url, headers=()):
    words = ["wrk", "-t1", "-c32", f"-d{SECONDS}s", url]
    for header in headers:
        words += ["-H", header]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        sys.exit(f"{url} does not answer well:\n{said}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))


def round_about(urls, headers=()):
    """Medians, measured in turns: whatever else the machine does hits all of them."""
    rates = {name: [] for name in urls}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            rates[name].append(rate(url, headers))
    return {name: statistics.median(all_of_it) for name, all_of_it in rates.items()}


def status(world, options, rows):
    constant = subprocess.Popen([options.constant], stdout=subprocess.PIPE, text=True)
    constant_url = constant.stdout.readline().strip()
    port = free_port()
    fastapi = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), "peer_fastapi.py"), str(port)])
    until_answers(f"http://127.0.0.1:{port}/api/v1/status")
    path = "/api/v1/status"
    found = round_about({"ours": world.url + path, "constant": constant_url + path, "fastapi": f"http://127.0.0.1:{port}{path}"})
    for child in (constant, fastapi):
        child.kill()
        child.wait()
    ours, least = found["ours"], found["ours"] / found["constant"]
    rows.add("`GET /api/v1/status`, against an axum handler that returns a constant", f"{least:.2f} of it", "≥ 0.8", least >= 0.8)
    times = ours / found["fastapi"]
    rows.add("the same, against the same endpoint in FastAPI and uvicorn (one worker)", f"{times:.1f} times", "≥ 10", times >= 10)


def files(world, options, rows):
    """The largest file a browser gets, as it travels."""
    package = options.site / "pkg"
    wasm = next(package.glob("*.wasm"))
    folder = options.folder / "nginx"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(f"{wasm}.br", folder / "file")
    port = free_port()
    places = "".join(f"{what}_temp_path {folder}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ access_log off; sendfile on; tcp_nopush on; {places} server {{ listen 127.0.0.1:{port}; root {folder}; }} }}"
    )
    nginx = subprocess.Popen([options.nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    until_answers(f"http://127.0.0.1:{port}/file")
    urls = {"ours": f"{world.url}/pkg/{wasm.name}", "nginx": f"http://127.0.0.1:{port}/file"}
    answer = urllib.request.urlopen(urllib.request.Request(urls["ours"], headers={"Accept-Encoding": "br"}))
    assert answer.headers["Content-Encoding"] == "br", "as it travels"
    found = round_about(urls, ["Accept-Encoding: br"])
    nginx.terminate()
    nginx.wait()
    rows.add(f"a file ({os.path.getsize(f'{wasm}.br') // 1000} kB), against a plain nginx", f"{found['ours'] / found['nginx']:.2f} of it", "")


def idle(options, world, rows):
    """From the start of the program until it answers, and what it holds when nothing happens."""
    times = []
    for _ in range(5):
        world.server.kill()
        world.server.wait()
        log = open(world.folder / "start-log", "w")
        begun = time.perf_counter()
        world.server = subprocess.Popen([options.lockdown, "serve", "--config", world.config], stderr=log)
        until_answers(world.url + "/healthz", pause=0.002)
        times.append(time.perf_counter() - begun)
    world.until("normal")
    time.sleep(3)
    took, memory = statistics.median(times), resident(world.server.pid)
    rows.add("from the start of the program to its first answer", f"{took * 1000:.0f} ms", "≤ 300 ms", took <= 0.3)
    rows.add("memory when nothing happens", f"{memory / 1e6:.0f} MB", "≤ 60 MB", memory <= 60e6)


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024
