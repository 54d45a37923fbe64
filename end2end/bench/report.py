"""The table in BENCH.md, written by the run that measured it."""

import datetime
import os
import platform

BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"


class Rows:
    def __init__(self):
        self.rows = []

    def add(self, what, measured, goal, met=None):
        """`met` is None for what has no goal."""
        self.rows.append((what, measured, goal, met))
        said = {True: "met", False: "MISSED", None: ""}[met]
        print(f"{what}: {measured}" + (f" (goal {goal}: {said})" if goal else ""), flush=True)

    def all_met(self):
        return all(met is not False for *_, met in self.rows)

    def write(self, path, site):
        payload = sum((site / "pkg" / name).stat().st_size for name in os.listdir(site / "pkg") if name.endswith(".br"))
        self.add("browser payload (wasm + js + css, brotli)", f"{payload / 1000:.0f} kB", "≤ 250 kB", payload <= 250_000)
        table = "| what | measured | goal |\n|---|---|---|\n"
        for what, measured, goal, met in self.rows:
            table += f"| {what} | {measured} | {goal}{', **missed**' if met is False else ''} |\n"
        text = path.read_text()
        before, rest = text.split(BEGIN)
        _, after = rest.split(END)
        head = f"{machine()}, release build, {datetime.date.today()}:\n\n"
        path.write_text(before + BEGIN + head + table + END + after)


def machine():
    with open("/proc/cpuinfo") as cpus:
        models = [line.split(":", 1)[1].strip() for line in cpus if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}"
