#!/usr/bin/python3
"""explained.py UNIT: each line that systemd-analyze security counts for the unit, and what they come to, stands in docs/service.md."""
import gzip, json, os, re, subprocess, sys


def names(line):
    """CapabilityBoundingSet=~CAP_SET(UID|GID) is CAP_SETUID or CAP_SETGID; User=/DynamicUser= is one of the two."""
    key, _, rest = line.partition("=~")
    if not rest or key == "RestrictNamespaces":
        return re.findall(r"\w+(?==)", line.replace("~", "")) or [key]
    before, _, choices = rest.partition("(")
    return [before + c for c in choices.rstrip(")").split("|")]


def document():
    path = "/usr/share/doc/jobd/docs/service.md"
    opener = open if os.path.exists(path) else gzip.open
    text = opener(path if opener is open else path + ".gz", "rt", encoding="utf-8").read()
    part = "## What the runner may do" if sys.argv[1].startswith("jobd-runner") else "## What jobd may do"
    return text[text.index(part):].split("\n## ")[0]


def said(name, text):
    short = name.removeprefix("CAP_")
    wild = {short[:i] + "*" for i in range(1, len(short) + 1)} if name.startswith("CAP_") else set()
    wanted = {name, short, *wild, *("CAP_" + w for w in wild)}
    if "*" in name:
        wanted |= {w for w in re.findall(r"`(\w+)`", text) if w.startswith(name.rstrip("*"))}
    return any("`%s`" % w in text for w in wanted)


def analyze(*options):
    return subprocess.run(["systemd-analyze", "security", "--no-pager", *options, sys.argv[1]], stdout=subprocess.PIPE,
                          check=True, text=True).stdout


text = document()
lines = json.loads(analyze("--json=short"))
silent = [l["name"] for l in lines if float(l["exposure"] or 0) > 0 and not any(said(n, text) for n in names(l["name"]))]
for name in silent:
    print("not explained:", name)
level = re.search(r"exposure level.*: ([0-9.]+)", analyze())[1]
if level + " of" not in text:
    silent.append(level)
    print("it is", level, "of 10, which is not what the document says")
sys.exit(1 if silent else 0)
