# engine.awk: rows of engine.sh in, a table of each case out, and its ratios and targets as JSON to `out`.
# A cell is the median of the rounds [least..most], a peer's followed by (ours/theirs).

BEGIN {
	title["w1"] = "W1: three waits of 1, 2 and 3 s"
	title["w2.100k"] = "W2: tasks that sleep 1 to 5 s, exact"
	title["w2.100k.slack"] = "W2: the same with a slack of 1 ms"
	title["w2.1M"] = "W2: a million of them, exact"
	title["w2.1M.slack"] = "W2: a million of them with a slack of 1 ms"
	title["w3.2"] = "W3: two tasks that only yield"
	title["w3.1000"] = "W3: a thousand tasks that only yield"
	title["w4"] = "W4: tasks that sleep 10 ms to 1 s again and again, exact"
	title["w4.slack"] = "W4: the same with a slack of 1 ms"
	title["w5"] = "W5: tasks that sleep an hour, 10 s of it"
	title["w6"] = "W6: 64 bytes there and back, 1000 socket pairs"
	title["w6.calls"] = "W6: system calls of one trip there and back, epoll_wait left out"
	title["w7"] = "W7: cancel all sleeping tasks of a scope, clean up, join"
	ncases = split("w1 w2.100k w2.100k.slack w2.1M w2.1M.slack w3.2 w3.1000 w4 w4.slack w5 w6 w6.calls w7", cases, " ")

	columns["w1"] = "wall cpu_ms switches threads"
	columns["w2"] = "wall cpu bytes p50 p99 early"
	columns["w3"] = "ops ns"
	columns["w4"] = "ideal core fire p50 p99 early"
	columns["w5"] = "wakes cpu_ms rss"
	columns["w6"] = "ops trip"
	columns["w6.calls"] = "calls"
	columns["w7"] = "ns best growth left"

	head["wall"] = "wall s"; head["cpu"] = "CPU s"; head["cpu_ms"] = "CPU ms"; head["switches"] = "switches"
	head["threads"] = "threads"; head["bytes"] = "bytes a task"; head["p50"] = "late p50 us"
	head["p99"] = "late p99 us"; head["early"] = "early"; head["ops"] = "ops"; head["ns"] = "ns each"
	head["ideal"] = "% of ideal"; head["core"] = "% of a core"; head["fire"] = "CPU ns a wake"
	head["wakes"] = "wakes of its own"; head["rss"] = "RSS MiB"; head["trip"] = "us a trip"
	head["calls"] = "calls"; head["best"] = "best round ns"
	head["growth"] = "RSS growth %"; head["left"] = "left over"
	# A ratio of these says nothing.
	split("switches threads early ops wakes growth left", names, " ")
	for (i in names) plain[names[i]] = 1

	# The targets; with a peer's name: of the ratio to it.
	want["w1", "wall"] = "<= 3.002"; want["w1", "cpu_ms"] = "<= 1.5"
	want["w1", "switches"] = "<= 3"; want["w1", "threads"] = "<= 1"
	want["w2.100k", "bytes"] = "<= 144"; want["w2.100k", "cpu"] = "<= 1.5"
	want["w2.100k", "p50"] = "<= 60"; want["w2.100k", "p99"] = "<= 500"; want["w2.100k", "early"] = "<= 0"
	want["w2.100k.slack", "cpu"] = "<= 0.25"; want["w2.100k.slack", "p50"] = "<= 700"
	want["w2.100k.slack", "p99"] = "<= 1500"; want["w2.100k.slack", "early"] = "<= 0"
	want["w2.1M", "wall"] = "<= 5.5"; want["w2.1M", "cpu"] = "<= 4.5"
	want["w2.1M", "bytes"] = "<= 144"; want["w2.1M", "early"] = "<= 0"
	want["w2.1M.slack", "cpu"] = "<= 1.4"; want["w2.1M.slack", "early"] = "<= 0"
	want["w3.2", "ns"] = "<= 12"; want["w3.1000", "ns"] = "<= 12"
	want["w4", "ideal"] = ">= 99"; want["w4", "p50"] = "<= 50"; want["w4", "p99"] = "<= 300"
	want["w4", "early"] = "<= 0"
	want["w4.slack", "ideal"] = ">= 99"; want["w4.slack", "core"] = "<= 12"
	want["w4.slack", "fire"] = "<= 650"; want["w4.slack", "early"] = "<= 0"
	want["w5", "wakes"] = "<= 0"; want["w5", "cpu_ms"] = "<= 1"; want["w5", "rss"] = "<= 16"
	want["w6", "trip"] = "<= 1.07 libevent"; want["w6.calls", "calls"] = "<= 4"
	want["w7", "ns"] = "<= 60"; want["w7", "left"] = "<= 0"; want["w7", "growth"] = "<= 5"
}

# A row: the members of one flat object.
{
	split("", row)
	gsub(/[{}" ]/, "")
	n = split($0, member, ",")
	for (i = 1; i <= n; i++) {
		k = index(member[i], ":")
		row[substr(member[i], 1, k - 1)] = substr(member[i], k + 1)
	}
	id = row["case"] SUBSEP row["by"]
	if (!(row["by"] in known)) {
		known[row["by"]] = 1
		peers[++npeers] = row["by"]
	}
	if ("error" in row) {
		failed[id] = 1
		next
	}
	count[id]++
	size[id] = row["n"]
	for (k in row) value[id, k, count[id]] = row[k]
}

# Of a million timers that last 0.505 s in the mean, so many fire in t seconds (renewal theory).
function ideal_fires(n, t) { return n * (t / 0.505 - 0.34) }

function figure(id, i, name,   cpu, wall) {
	cpu = value[id, "user", i] + value[id, "sys", i]
	wall = value[id, "wall", i]
	if (name == "cpu") return cpu
	if (name == "cpu_ms") return cpu * 1000
	if (name == "switches") return value[id, "nvcsw", i]
	if (name == "bytes") return (value[id, "hwm_kb", i] - bare[substr(id, index(id, SUBSEP) + 1)]) * 1024 / size[id]
	if (name == "ns") return value[id, "ns_op", i]
	if (name == "trip") return value[id, "ns_op", i] / 1000
	if (name == "ideal") return 100 * value[id, "ops", i] / ideal_fires(size[id], wall)
	if (name == "core") return 100 * cpu / wall
	if (name == "fire") return 1e9 * cpu / value[id, "ops", i]
	if (name == "wakes") return value[id, "nvcsw", i] - 1	# the probe's
	if (name == "rss") return value[id, "rss_kb", i] / 1024
	if (name == "best") return value[id, "best_ns", i]
	if (name == "growth") return 100 * (value[id, "rss_kb", i] / value[id, "rss_first_kb", i] - 1)
	if (name == "left") return value[id, "leak", i] + value[id, "want", i] - value[id, "cleaned", i]
	return value[id, name, i]
}

# Sets mid, least and most.
function rounds_of(id, name,   i, k, x, v) {
	for (i = 1; i <= count[id]; i++) {
		x = figure(id, i, name) + 0
		for (k = i; k > 1 && v[k - 1] > x; k--) v[k] = v[k - 1]
		v[k] = x
	}
	i = count[id]
	mid = i % 2 ? v[(i + 1) / 2] : (v[i / 2] + v[i / 2 + 1]) / 2
	least = v[1]
	most = v[i]
}

function number(x, name,   y) {
	y = x < 0 ? -x : x
	if (name == "wall") return sprintf("%.3f", x)
	if (x == int(x) || y >= 100) return sprintf("%.0f", x)
	return sprintf(y >= 10 ? "%.1f" : "%.2f", x)
}

function cell(name,   s) {
	s = number(mid, name)
	return number(least, name) == number(most, name) ? s : s " [" number(least, name) ".." number(most, name) "]"
}

function ratio(x) { return x < 0.001 ? " (<0.001)" : sprintf(x < 0.1 ? " (%.3f)" : " (%.2f)", x) }

# The target's row, and the JSON: is it met?
function check(case_, name, ours,   part, n, x, met) {
	if (!((case_, name) in want)) return ""
	n = split(want[case_, name], part, " ")
	x = ours
	if (n > 2) {
		if (!((case_, part[3]) in count)) return want[case_, name]
		rounds_of(case_ SUBSEP part[3], name)
		x = ours / mid
	}
	met = part[1] == "<=" ? x <= part[2] : x >= part[2]
	asked++
	if (!met) missed = missed sprintf("  %s, %s: %s, wanted %s\n", case_, head[name], number(x, n > 2 ? "" : name), want[case_, name])
	printf "{\"section\":\"engine\",\"case\":\"%s\",\"figure\":\"%s\",\"ours\":%.6g,\"wanted\":\"%s\",\"met\":%s}\n",
	    case_, name, x, want[case_, name], met ? "true" : "false" >>out
	return want[case_, name] (met ? " met" : " MISSED")
}

function put(text) { table[nrows, ++ncols] = text; if (length(text) > width[ncols]) width[ncols] = length(text) }
function start(text) { nrows++; ncols = 0; put(text) }
function print_table(   r, c) {
	for (r = 1; r <= nrows; r++) {
		for (c = 1; c <= ncols; c++) printf "| %-*s ", width[c], table[r, c]
		print "|"
		for (c = 1; r == 1 && c <= ncols; c++) printf "|%s", dashes(width[c] + 2)
		if (r == 1) print "|"
	}
}
function dashes(n,   s) { while (length(s) < n) s = s "-"; return s }

function peer_row(case_, name, id,   i) {
	start(name)
	put(size[id])
	for (i = 1; i <= nfigures; i++) {
		rounds_of(id, figures[i])
		if (name == "jobd") {
			ours[i] = mid
			put(cell(figures[i]))
			continue
		}
		put(cell(figures[i]) (figures[i] in plain || mid <= 0 ? "" : ratio(ours[i] / mid)))
		if (figures[i] in plain || mid <= 0) continue
		printf "{\"section\":\"engine\",\"case\":\"%s\",\"figure\":\"%s\",\"peer\":\"%s\",\"n\":%d,\"ours\":%.6g," \
		    "\"theirs\":%.6g,\"least\":%.6g,\"most\":%.6g,\"ratio\":%.4g}\n",
		    case_, figures[i], name, size[id], ours[i], mid, least, most, ours[i] / mid >>out
	}
}

function report(case_,   i, exact, w) {
	exact = case_
	sub(/\.slack$/, "", exact)
	w = case_
	if (!(w in columns)) sub(/\..*/, "", w)
	nfigures = split(columns[w], figures, " ")
	nrows = 0
	split("", width)
	start("peer")
	put("n")
	for (i = 1; i <= nfigures; i++) put(head[figures[i]])
	peer_row(case_, "jobd", case_ SUBSEP "jobd")
	start("wanted")
	put("")
	for (i = 1; i <= nfigures; i++) put(check(case_, figures[i], ours[i]))
	for (i = 1; i <= npeers; i++) {
		if (peers[i] == "jobd") continue
		if ((case_, peers[i]) in count) peer_row(case_, peers[i], case_ SUBSEP peers[i])
		else if ((exact, peers[i]) in count) peer_row(case_, peers[i] ", exact", exact SUBSEP peers[i])
	}
	printf "\n### %s\n\n", title[case_]
	print_table()
	for (i = 1; i <= npeers; i++)
		if ((case_, peers[i]) in failed) print "(failed: " peers[i] ")"
}

END {
	for (i = 1; i <= npeers; i++) {
		if (("w2.0", peers[i]) in count) {
			rounds_of("w2.0" SUBSEP peers[i], "hwm_kb")
			bare[peers[i]] = mid
		}
	}
	print "Medians [least..most] of the rounds; in parentheses ours/theirs."
	for (c = 1; c <= ncases; c++)
		if ((cases[c], "jobd") in count) report(cases[c])
	printf "\n%d targets, missed: %s\n", asked, missed == "" ? "none" : "\n" missed
}
