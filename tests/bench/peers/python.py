"""python: asyncio in the engine's workloads (measure.h), uvloop with loop=uvloop.  Python 3.11."""
import array
import asyncio
import json
import os
import random
import resource
import socket
import sys
import time

now = time.monotonic
uniform = random.Random(12345).uniform
workload = sys.argv[1]
options = dict(a.split("=", 1) for a in sys.argv[2:])


def arg(key, otherwise):
    return type(otherwise)(options.get(key, otherwise))


class Lateness:
    """By the microsecond up to 0.1 s, then by the millisecond up to 200 s; resident from the start."""

    def __init__(self):
        self.by_usec = array.array("I", bytes(4 * 100000))
        self.by_msec = array.array("I", bytes(4 * 200000))
        self.n = self.early = 0
        self.max = self.early_max = 0.0

    def add(self, due):
        late = now() - due
        self.n += 1
        if late < 0:
            self.early += 1
            self.early_max = max(self.early_max, -late)
            late = 0.0
        self.max = max(self.max, late)
        usec = int(late * 1e6)
        if usec < 100000:
            self.by_usec[usec] += 1
        else:
            self.by_msec[min(usec // 1000, 199999)] += 1

    def share(self, share):
        seen = 0
        for unit, counts in ((1, self.by_usec), (1000, self.by_msec)):
            for i, count in enumerate(counts):
                seen += count
                if seen > share * self.n:
                    return i * unit
        return self.max * 1e6


late = Lateness()


def status(key):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key + ":"))


def snapshot():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return now(), r.ru_utime, r.ru_stime, r.ru_nvcsw, r.ru_nivcsw


def emit(n, before, after, **extra):
    row = {"peer": arg("loop", "asyncio"), "w": workload, "n": n}
    row.update(zip(("wall", "user", "sys", "nvcsw", "nivcsw"), (a - b for a, b in zip(after, before))))
    row.update(threads=status("Threads"), hwm_kb=status("VmHWM"), rss_kb=status("VmRSS"))
    if late.n:
        row.update(p50=late.share(.5), p99=late.share(.99), p999=late.share(.999), max=late.max * 1e6,
                   early=late.early, early_max=late.early_max * 1e6, woke=late.n)
    row.update(extra)
    print(json.dumps(row), flush=True)


def leave():
    """Without unwinding what still sleeps."""
    os._exit(0)


async def sleeper(delay):
    due = now() + delay
    await asyncio.sleep(delay)
    late.add(due)


async def sleep_once(n):
    before = snapshot()
    async with asyncio.TaskGroup() as group:
        for i in range(n):
            group.create_task(sleeper(i + 1 if workload == "w1" else uniform(1, 5)))
        spawned = now() - before[0]
    emit(n, before, snapshot(), spawn_s=spawned, left=n - late.n)


async def yielder(yields):
    sleep = asyncio.sleep
    for _ in range(yields):
        await sleep(0)


async def yield_only(n, yields):
    before = snapshot()
    await asyncio.gather(*[yielder(yields) for _ in range(n)])
    after = snapshot()
    emit(n, before, after, ops=n * yields, ns_op=(after[0] - before[0]) * 1e9 / (n * yields))


async def churn():
    while True:
        await sleeper(uniform(.010, 1))


async def sleep_again(n, secs):
    before = snapshot()
    tasks = [asyncio.ensure_future(churn()) for _ in range(n)]
    await asyncio.sleep(secs)
    emit(len(tasks), before, snapshot(), ops=late.n)
    leave()


async def sleep_long(n, settle, secs):
    tasks = [asyncio.ensure_future(asyncio.sleep(uniform(3600, 3601))) for _ in range(n)]
    await asyncio.sleep(settle)
    before = snapshot()
    await asyncio.sleep(secs)
    emit(len(tasks), before, snapshot())
    leave()


async def client(loop, sock, rounds):
    for _ in range(rounds):
        await loop.sock_sendall(sock, b"x" * 64)
        assert len(await loop.sock_recv(sock, 64)) == 64


async def server(loop, sock, rounds):
    for _ in range(rounds):
        await loop.sock_sendall(sock, await loop.sock_recv(sock, 64))


async def there_and_back(n, rounds):
    loop = asyncio.get_running_loop()
    pairs = [socket.socketpair() for _ in range(n)]
    for pair in pairs:
        for sock in pair:
            sock.setblocking(False)
    before = snapshot()
    await asyncio.gather(*[client(loop, a, rounds) for a, _ in pairs], *[server(loop, b, rounds) for _, b in pairs])
    after = snapshot()
    emit(n, before, after, ops=n * rounds, ns_op=(after[0] - before[0]) * 1e9 / (n * rounds))
    leave()


cleaned = 0


async def victim(delay):
    global cleaned
    try:
        await asyncio.sleep(delay)
    finally:
        cleaned += 1


async def scope(n):
    async with asyncio.TaskGroup() as group:
        for _ in range(n):
            group.create_task(victim(uniform(3600, 3601)))


async def cancel_scope(n, cycles):
    took, rss_first = [], 0
    before = snapshot()
    for _ in range(cycles):
        task = asyncio.ensure_future(scope(n))
        for _ in range(5):
            await asyncio.sleep(0)
        start = now()
        task.cancel()
        await asyncio.wait([task])
        took.append((now() - start) * 1e9 / n)
        rss_first = rss_first or status("VmRSS")
    emit(n, before, snapshot(), ns_op=sum(took) / cycles, best_ns=min(took), cleaned=cleaned, want=n * cycles,
         rss_first_kb=rss_first, leak=len(asyncio.all_tasks()) - 1)


workloads = {
    "w1": lambda: sleep_once(3),
    "w2": lambda: sleep_once(arg("n", 10000)),
    "w3": lambda: yield_only(arg("tasks", 2), arg("yields", 500000)),
    "w4": lambda: sleep_again(arg("n", 100000), arg("secs", 10)),
    "w5": lambda: sleep_long(arg("n", 100000), arg("settle", 1), arg("secs", 10)),
    "w6": lambda: there_and_back(arg("pairs", 1000), arg("rounds", 200)),
    "w7": lambda: cancel_scope(arg("n", 100000), arg("cycles", 5)),
}
factory = None
if arg("loop", "asyncio") == "uvloop":
    import uvloop
    factory = uvloop.new_event_loop
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(workloads[workload]())
