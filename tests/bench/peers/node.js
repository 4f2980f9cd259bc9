// node: setTimeout and promises in the engine's workloads (measure.h).  Its unit is the millisecond.
'use strict';
const fs = require('fs');
const net = require('net');

const workload = process.argv[2];
const options = Object.fromEntries(process.argv.slice(3).map(a => a.split('=')));
const arg = (key, otherwise) => options[key] === undefined ? otherwise : Number(options[key]);
const now = () => performance.now();
const sleep = msec => new Promise(resolve => setTimeout(resolve, msec));
const random = (low, high) => low + Math.floor(Math.random() * (high - low + 1));

// By the microsecond up to 0.1 s, then by the millisecond up to 200 s; resident from the start.
const late = { byUsec: new Uint32Array(100000).fill(1).fill(0), byMsec: new Uint32Array(200000).fill(1).fill(0),
	n: 0, early: 0, max: 0, earlyMax: 0 };

function lateAdd(due) {
	let msec = now() - due;
	late.n++;
	if (msec < 0) {
		late.early++;
		late.earlyMax = Math.max(late.earlyMax, -msec);
		msec = 0;
	}
	late.max = Math.max(late.max, msec);
	if (msec < 100)
		late.byUsec[Math.floor(msec * 1000)]++;
	else
		late.byMsec[Math.min(Math.floor(msec), 199999)]++;
}

function lateShare(share) {
	let seen = 0;
	for (const [unit, counts] of [[1, late.byUsec], [1000, late.byMsec]]) {
		for (let i = 0; i < counts.length; i++) {
			seen += counts[i];
			if (seen > share * late.n)
				return i * unit;
		}
	}
	return late.max * 1000;
}

function status(key) {
	return Number(fs.readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${key}:\\s+(\\d+)`, 'm'))[1]);
}

function snapshot() {
	const r = process.resourceUsage();
	return { t: now(), user: r.userCPUTime / 1e6, sys: r.systemCPUTime / 1e6,
		nvcsw: r.voluntaryContextSwitches, nivcsw: r.involuntaryContextSwitches };
}

function emit(n, before, after, extra) {
	const row = { peer: 'node', w: workload, n, wall: (after.t - before.t) / 1000, user: after.user - before.user,
		sys: after.sys - before.sys, nvcsw: after.nvcsw - before.nvcsw, nivcsw: after.nivcsw - before.nivcsw,
		threads: status('Threads'), hwm_kb: status('VmHWM'), rss_kb: status('VmRSS') };
	if (late.n > 0)
		Object.assign(row, { p50: lateShare(.5), p99: lateShare(.99), p999: lateShare(.999), max: late.max * 1000,
			early: late.early, early_max: late.earlyMax * 1000, woke: late.n });
	fs.writeSync(1, JSON.stringify(Object.assign(row, extra)) + '\n');
}

async function sleeper(msec) {
	const due = now() + msec;
	await sleep(msec);
	lateAdd(due);
}

async function sleepOnce(n) {
	const before = snapshot();
	const all = [];
	for (let i = 0; i < n; i++)
		all.push(sleeper(workload === 'w1' ? (i + 1) * 1000 : random(1000, 5000)));
	const spawned = (now() - before.t) / 1000;
	await Promise.all(all);
	emit(n, before, snapshot(), { spawn_s: spawned, left: n - late.n });
}

async function yielder(yields) {
	for (let i = 0; i < yields; i++)
		await new Promise(resolve => setImmediate(resolve));
}

async function yieldOnly(n, yields) {
	const before = snapshot();
	await Promise.all(Array.from({ length: n }, () => yielder(yields)));
	const after = snapshot();
	emit(n, before, after, { ops: n * yields, ns_op: (after.t - before.t) * 1e6 / (n * yields) });
}

async function churn() {
	for (;;)
		await sleeper(random(10, 1000));
}

async function sleepAgain(n, secs) {
	const before = snapshot();
	for (let i = 0; i < n; i++)
		churn();
	await sleep(secs * 1000);
	emit(n, before, snapshot(), { ops: late.n });
	process.exit(0);
}

async function sleepLong(n, settle, secs) {
	for (let i = 0; i < n; i++)
		sleep(random(3600000, 3601000));
	await sleep(settle * 1000);
	const before = snapshot();
	await sleep(secs * 1000);
	emit(n, before, snapshot(), {});
	process.exit(0);
}

// There is no socketpair() here: Unix sockets, through a listener of this process.
async function thereAndBack(n, rounds) {
	const path = `\0bench-node-${process.pid}`;
	const server = net.createServer(s => s.on('data', d => s.write(d)));
	await new Promise(resolve => server.listen({ path, backlog: 4096 }, resolve));
	const connect = () => new Promise((resolve, reject) => {
		const c = net.connect(path, () => resolve(c));
		c.on('error', reject);
	});
	const clients = await Promise.all(Array.from({ length: n }, connect));
	const message = Buffer.alloc(64, 120);
	let left = n;
	const before = snapshot();
	await new Promise(resolve => clients.forEach(c => {
		let answers = 0;
		c.on('data', () => {
			if (++answers < rounds)
				c.write(message);
			else if (--left === 0)
				resolve();
		});
		c.write(message);
	}));
	const after = snapshot();
	emit(n, before, after, { ops: n * rounds, ns_op: (after.t - before.t) * 1e6 / (n * rounds) });
	process.exit(0);
}

// A set of timers: one AbortSignal for all would scan its listeners at each addition.
async function cancelScope(n, cycles) {
	const took = [];
	const why = new Error('cancelled');
	let cleaned = 0, rssFirst = 0;
	const before = snapshot();
	for (let i = 0; i < cycles; i++) {
		const live = new Set();
		const wait = () => new Promise((resolve, reject) => live.add({ reject, timer: setTimeout(resolve, 3600000) }));
		const victim = async () => { try { await wait(); } finally { cleaned++; } };
		const all = Array.from({ length: n }, victim);
		await null;
		const start = now();
		for (const v of live) {
			clearTimeout(v.timer);
			v.reject(why);
		}
		live.clear();
		await Promise.allSettled(all);
		took.push((now() - start) * 1e6 / n);
		rssFirst = rssFirst || status('VmRSS');
	}
	emit(n, before, snapshot(), { ns_op: took.reduce((a, b) => a + b) / cycles, best_ns: Math.min(...took), cleaned,
		want: n * cycles, rss_first_kb: rssFirst,
		leak: process.getActiveResourcesInfo().filter(r => r === 'Timeout').length });
}

({
	w1: () => sleepOnce(3),
	w2: () => sleepOnce(arg('n', 10000)),
	w3: () => yieldOnly(arg('tasks', 2), arg('yields', 500000)),
	w4: () => sleepAgain(arg('n', 100000), arg('secs', 10)),
	w5: () => sleepLong(arg('n', 100000), arg('settle', 1), arg('secs', 10)),
	w6: () => thereAndBack(arg('pairs', 1000), arg('rounds', 200)),
	w7: () => cancelScope(arg('n', 100000), arg('cycles', 5)),
})[workload]();
