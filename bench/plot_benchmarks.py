#!/usr/bin/env python3
"""Draws how the time of a benchmark grows with its argument, from google-benchmark JSON.

usage: plot_benchmarks.py OUT.svg RESULT.json... [--x LABEL] [--title TEXT]

RESULT.json: written by a bench program with --benchmark_out=RESULT.json --benchmark_out_format=json.
Benchmarks named NAME/ARGUMENT become one curve a NAME, real time in microseconds, both axes
logarithmic. Standard library only; the picture follows light and dark.
"""

import argparse
import json
import math
import re
import sys

LIGHT = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#6e7781", "#cf222e"]
DARK = ["#4493f8", "#db6d28", "#3fb950", "#ab7df8", "#9198a1", "#f85149"]
MICROSECONDS = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}
LEFT, RIGHT, TOP, BOTTOM = 72, 580, 56, 392


def read_curves(paths):
    curves = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)["benchmarks"]
        for result in results:
            match = re.fullmatch(r"(.+?)/(\d+)(?:/.*)?", result["name"])
            if not match or result.get("run_type") == "aggregate":
                continue
            time_us = result["real_time"] * MICROSECONDS[result["time_unit"]]
            curves.setdefault(match[1], []).append((int(match[2]), time_us))
    return {name: sorted(points) for name, points in sorted(curves.items())}


def ruler(values, begin, end):
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    place = lambda value: begin + (math.log10(value) - low) / (high - low) * (end - begin)
    return place, [10.0**power for power in range(low, high + 1)]


def draw(curves, x_label, title):
    x, x_ticks = ruler([max(a, 1) for c in curves.values() for a, _ in c], LEFT, RIGHT)
    y, y_ticks = ruler([t for c in curves.values() for _, t in c], BOTTOM, TOP)
    colours = "".join(f".c{i} {{ stroke: {c}; }} .f{i} {{ fill: {c}; }} " for i, c in enumerate(LIGHT))
    dark = "".join(f".c{i} {{ stroke: {c}; }} .f{i} {{ fill: {c}; }} " for i, c in enumerate(DARK))
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 480" width="760" height="480" '
        f'role="img">\n<title>{title}</title>\n<style>\n'
        "text { font: 13px system-ui, sans-serif; fill: #24292f; } .note { fill: #57606a; } "
        ".title { font-size: 16px; font-weight: 600; } .grid { stroke: #d0d7de; } "
        f".back {{ fill: #ffffff; }} .s {{ fill: none; stroke-width: 2; }} {colours}\n"
        "@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .note { fill: #9198a1; } "
        f".back {{ fill: #0d1117; }} .grid {{ stroke: #30363d; }} {dark} }}\n</style>\n"
        '<rect class="back" width="760" height="480"/>\n'
        f'<text class="title" x="24" y="24">{title}</text>'
    ]
    for tick in y_ticks:
        out.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
                   f'<text class="note" x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x_ticks:
        out.append(f'<text class="note" x="{x(tick):.1f}" y="{BOTTOM + 20}" text-anchor="middle">{tick:g}</text>')
    out.append(f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 44}" text-anchor="middle">{x_label}</text>'
               f'<text x="24" y="{TOP - 12}">microseconds</text>')
    for i, (name, points) in enumerate(curves.items()):
        colour = i % len(LIGHT)
        places = [(x(max(a, 1)), y(t)) for a, t in points]
        out.append(f'<path class="s c{colour}" d="M' + "L".join(f"{a:.1f} {b:.1f}" for a, b in places) + '"/>')
        out += [f'<circle class="f{colour}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in places]
        out.append(f'<path class="s c{colour}" d="M{RIGHT + 16} {TOP + 8 + 24 * i}h22"/>'
                   f'<text x="{RIGHT + 44}" y="{TOP + 12 + 24 * i}">{name}</text>')
    return "\n".join(out) + "\n</svg>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("results", nargs="+")
    parser.add_argument("--x", default="argument")
    parser.add_argument("--title", default="Time of one decision")
    arguments = parser.parse_args()
    curves = read_curves(arguments.results)
    if not curves:
        sys.exit("no benchmark of the form NAME/NUMBER in " + ", ".join(arguments.results))
    with open(arguments.out, "w", encoding="utf-8") as file:
        file.write(draw(curves, arguments.x, arguments.title))


if __name__ == "__main__":
    main()
