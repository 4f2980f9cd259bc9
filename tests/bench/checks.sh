# The section "checks" of run.sh, which reads this file: HTTP checks, each with a connection of its own and, over TLS,
# a whole handshake with a verified certificate; by jobd, by bare programs on libraries, and by peers, in turns. Who
# checks has $one processor, who answers another.
#	ROUNDS=3	how often; the best of each counts, as what else the machine does can only make it worse
#	QUICK=1		everything small: tries the script, measures nothing
rounds=${ROUNDS:-3}
[ -z "${QUICK:-}" ] || { rounds=1 && echo "(QUICK: the figures mean nothing)"; }
T=$bin/tests/tools
bare=$bin/tests/bench/peers
rows=$W/checks.rows
bundle=$W/bundle.pem

# ---- who has which processor ----
if taskset -c 0 true 2>/dev/null && taskset -c 1 true 2>/dev/null; then
	one="taskset -c 0" other="taskset -c 1"
else
	skip "a processor for each side: there are no two, or no taskset; the rates mean little"
	one="" other=""
fi

# ---- who answers ----
wait_for() {	# URL: until it answers
	i=0
	until "$bare/multi" "$1" 1 1 "ca=$W/ca.pem" >/dev/null 2>&1 || [ $i -gt 300 ]; do i=$((i + 1)) && sleep 0.02; done
	[ $i -le 300 ]
}
web_up() {
	mkfifo "$W/web.in"
	$other "$T/slow-server" <"$W/web.in" >"$W/web.port" &
	peers="$peers $!"
	exec 8>"$W/web.in"
	until [ -s "$W/web.port" ]; do sleep 0.02; done
	web=http://127.0.0.1:$(cat "$W/web.port")
}
certificates() {
	subject="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	# shellcheck disable=SC2086
	openssl req -x509 $subject -days 30 -subj "/CN=bench CA" -keyout "$W/ca.key" -out "$W/ca.pem" 2>/dev/null &&
		openssl req $subject -subj "/CN=localhost" -keyout "$W/web.key" -out "$W/web.csr" 2>/dev/null &&
		printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$W/web.ext" &&
		openssl x509 -req -in "$W/web.csr" -CA "$W/ca.pem" -CAkey "$W/ca.key" -CAcreateserial -days 30 \
			-extfile "$W/web.ext" -out "$W/web.pem" 2>/dev/null &&
		cat /etc/ssl/certs/ca-certificates.crt "$W/ca.pem" >"$bundle"
}
# nginx over TLS: what it does not answer itself the other server does.
tls_up() {
	command -v nginx >/dev/null || { skip "https: nginx is not installed" && return 1; }
	command -v openssl >/dev/null || { skip "https: openssl is not installed" && return 1; }
	certificates || { skip "https: no certificates, or no bundle of the system's to add one to" && return 1; }
	port=$("$T/freeport")
	cat >"$W/nginx.conf" <<-X
	daemon off; master_process off; pid $W/nginx.pid; error_log $W/nginx.log warn; worker_rlimit_nofile 8192;
	events { worker_connections 4096; }
	http { access_log off; ssl_certificate $W/web.pem; ssl_certificate_key $W/web.key;
	client_body_temp_path $W/ngx1; proxy_temp_path $W/ngx2; fastcgi_temp_path $W/ngx3; uwsgi_temp_path $W/ngx4;
	scgi_temp_path $W/ngx5;
	server { listen 127.0.0.1:$port ssl backlog=4096;
	location = / { return 200 "ok\n"; } location / { proxy_pass $web; } } }
	X
	$other nginx -c "$W/nginx.conf" -e "$W/nginx.log" >/dev/null 2>&1 &
	peers="$peers $!"
	tls=https://127.0.0.1:$port
	wait_for "$tls/" || { broke "nginx" && sed 3q "$W/nginx.log"; return 1; }
}

# ---- who checks: each prints the line of JSON of peers/load.h, as far as it can tell ----
of() { printf '%s\n' "$2" | sed -n "s/.*\"$1\":\([0-9.-]*\).*/\1/p"; }
by_jobd() { $one "$bin/tests/bench/checks" "$@" "ca=$bundle"; }
by_jobd_own() { $one "$bin/tests/bench/checks" "$@" "ca=$bundle" tls=ca; }
by_multi() { $one "$bare/multi" "$@" "ca=$bundle"; }
by_multi_as_built() { $one "$bare/multi" "$@" "ca=$bundle" capath=as-built; }
by_evhttp() { $one "$bare/evhttp" "$@" "ca=$bundle"; }
# Of a command that makes n checks: what it cost, from its start to its end.
timed_checks() {	# n, COMMAND...
	n=$1
	shift
	rm -f "$W/cost"
	$one "$T/measure" "$W/cost" x "$@" >"$W/said" 2>&1 || return 1
	awk -F '\t' -v n="$n" '{ printf "{\"checks\":%d,\"seconds\":%s,\"per_second\":%.1f,\"cpu_us\":%.1f,\"threads\":%d,\"failed\":0}\n",
		n, $2, n / $2, $3 * 1000 / n, $5 }' "$W/cost"
}
by_curl() {
	timed_checks "$2" curl -s -f --parallel --parallel-immediate --parallel-max "$3" -H 'Connection: close' -o /dev/null "$1?[1-$2]"
}
by_hey() {
	timed_checks "$2" hey -cpus 1 -n "$2" -c "$3" -disable-keepalive "$1" && grep -q "\[200\][^0-9]*$2 responses" "$W/said"
}
by_wrk() {	# goes by time; how many it has made, it says
	timed_checks 1 wrk -t1 -c"$3" -d"${QUICK:-2}" -H 'Connection: close' "$1" >"$W/wrk" && ! grep -q 'Non-2xx\|connect [1-9]' "$W/said" &&
		awk -v line="$(cat "$W/wrk")" 'function of(k) { return match(line, "\"" k "\":[0-9.]+") ? substr(line, RSTART + length(k) + 3, RLENGTH - length(k) - 3) : 0 }
			/requests in/ { n = $1 } /^Requests\/sec/ { r = $2 }
			END { printf "{\"checks\":%d,\"seconds\":%s,\"per_second\":%s,\"cpu_us\":%.1f,\"threads\":%d,\"failed\":0}\n", n, of("seconds"), r, of("cpu_us") / n, of("threads") }' "$W/said"
}
# It checks when it is asked to: how fast it can be asked is not what is measured.
by_blackbox() {
	case $1 in https:*) module=tls ;; *) module=plain ;; esac
	port=$("$T/freeport")
	cat >"$W/blackbox.yml" <<-X
	modules:
	  plain: {prober: http, timeout: 30s, http: {preferred_ip_protocol: ip4, valid_status_codes: [200]}}
	  tls: {prober: http, timeout: 30s, http: {preferred_ip_protocol: ip4, valid_status_codes: [200], tls_config: {ca_file: $W/ca.pem}}}
	X
	GOMAXPROCS=1 $one prometheus-blackbox-exporter --config.file="$W/blackbox.yml" --web.listen-address="127.0.0.1:$port" \
		--log.level=error --history.limit=1 >/dev/null 2>&1 &
	exporter=$!
	if wait_for "http://127.0.0.1:$port/-/healthy"; then
		cost_begin "$exporter"
		made=$($other "$bare/multi" "http://127.0.0.1:$port/probe?module=$module&target=$1" "$2" "$3" keep=yes "expect=probe_success 1")
		echo "{\"checks\":$2,$(fields "$made" seconds per_second p50_us p99_us failed)$(cost "$2")}"
	fi
	kill "$exporter"
	"$T/gone" "$exporter"
}
# The whole daemon: each check is added, made and recorded.
by_whole() {
	printf '[limits]\nchecks = %s\n' "$3" >"$W/conf"
	one_jobd
	cost_begin "$JOBD"
	made=$($other "$bin/tests/bench/whole" "$S" "$1" "$2" ${tls:+"ca=$W/ca.pem"})
	echo "{\"checks\":$2,$(fields "$made" seconds per_second failed)$(cost "$2")}"
	stop_jobd
	rm -rf "$W/state"
}
fields() {	# line, key...: these of it, each with a comma
	from=$1
	shift
	for key in "$@"; do printf '"%s":%s,' "$key" "$(of "$key" "$from")"; done
}
# What checks cost a daemon, from here on.
cost_begin() { costly=$1 before=$(cpu "$1") idle=$(status VmRSS "$1"); }
cost() {	# checks
	printf '"cpu_us":%s,"extra_kib":%d,"threads":%d' "$(echo "$(cpu "$costly") $before $1" | awk '{ printf "%.1f", ($1 - $2) / $3 }')" \
		$(($(status VmHWM "$costly") - idle)) "$(status Threads "$costly")"
}
one_jobd() {
	JOBD=$($one "$T/ready" "$W/log" "$bin/jobd" --socket "$S" --state-dir "$W/state" --config "$W/conf") || { cat "$W/log"; exit 1; }
}

# ---- the turns ----
few() { if [ -n "${QUICK:-}" ]; then echo $(($1 / 20 + $2)); else echo "$1"; fi; }
turn() {	# load, URL, checks, width, who...
	load=$1 url=$2 checks=$(few "$3" "$4") width=$4
	shift 4
	round=1
	while [ "$round" -le "$rounds" ]; do
		for who in "$@"; do
			[ ! -t 2 ] || printf '\r%-60s' "[$round/$rounds] $load: $who" >&2
			line=$("by_$who" "$url" "$checks" "$width" | grep '^{' | tail -n 1)
			if [ -n "$line" ] && [ "$(of failed "$line")" = 0 ]; then
				echo "{\"section\":\"checks\",\"load\":\"$load\",\"by\":\"$who\",${line#\{}" >>"$rows"
			else
				broke "$load by $who"
			fi
		done
		round=$((round + 1))
	done
	[ ! -t 2 ] || printf '\r%60s\r' '' >&2
}
# The best of the rounds; of memory and threads the most.
best() {	# load, who, key
	case $3 in per_second | extra_kib | threads) which="tail" ;; *) which="head" ;; esac
	sed -n "s/.*\"load\":\"$1\",\"by\":\"$2\",.*\"$3\":\([0-9.-]*\).*/\1/p" "$rows" | sort -n | "$which" -n 1
}
against() {	# load, who, words, wanted, key, what
	theirs=$(best "$1" "$2" "$5")
	[ -z "$theirs" ] || compare "$6, $1, against $3" "$(best "$1" jobd "$5")" "$theirs" "$4"
}
rate_against() { against "$1" "$2" "$3" "$4" per_second "checks/s"; }
cpu_against() { against "$1" "$2" "$3" "$4" cpu_us "us of CPU"; }

web_up
installed=
for peer in curl hey wrk; do
	if command -v "$peer" >/dev/null; then installed="$installed $peer"; else skip "$peer is not installed"; fi
done
most=$(echo "$installed" | sed 's/ curl//')
[ "$most" = "$installed" ] || skip "curl, 1000 at a time: it has at most 300"
if command -v prometheus-blackbox-exporter >/dev/null; then blackbox=blackbox; else blackbox= && skip "blackbox_exporter (prometheus-blackbox-exporter) is not installed"; fi
tls=
# shellcheck disable=SC2086
{
	turn "http, 1 at a time" "$web/" 4000 1 jobd multi evhttp whole $blackbox $installed
	turn "http, 100 at a time" "$web/" 10000 100 jobd multi evhttp whole $blackbox $installed
	turn "http by name, 100 at a time" "$(echo "$web" | sed s/127.0.0.1/localhost/)/" 10000 100 jobd multi
	turn "http, 1000 at a time" "$web/" 10000 1000 jobd multi evhttp whole $blackbox $most
	turn "http, 1000 held for a second" "$web/1" 1000 1000 jobd multi evhttp whole $blackbox
}
tls_up || tls=
if [ -n "$tls" ]; then
	# shellcheck disable=SC2086
	{
		turn "https, 1 at a time" "$tls/" 1000 1 jobd multi evhttp whole $blackbox
		turn "https, 100 at a time" "$tls/" 1500 100 jobd jobd_own multi evhttp whole $blackbox
		turn "https, 1000 at a time" "$tls/" 2000 1000 jobd multi evhttp whole $blackbox
		turn "https, 1000 held for three seconds" "$tls/3" 1000 1000 jobd multi evhttp whole $blackbox
		turn "https, 10 at a time" "$tls/" 50 10 multi_as_built
	}
fi

# ---- how late other jobs are ----
late() {	# load, URL, checks
	printf '[limits]\nchecks = 1000\n' >"$W/conf"
	one_jobd
	line=$($other "$bin/tests/bench/whole" "$S" "$2" "$3" ${tls:+"ca=$W/ca.pem"} timers=2000 seconds=3)
	if [ -n "$line" ] && [ "$(of failed "$line")" = 0 ]; then
		echo "{\"section\":\"checks\",\"load\":\"$1\",\"by\":\"jobd\",${line#\{}" >>"$rows"
	else
		broke "$1"
	fi
	stop_jobd
	rm -rf "$W/state"
}
if [ -z "${QUICK:-}" ]; then
	round=1
	while [ "$round" -le "$rounds" ]; do
		late "timers, no checks" "$web/1" 0
		late "timers, 1000 checks in flight, http" "$web/1" 6000
		[ -z "$tls" ] || late "timers, 1000 checks in flight, https" "$tls/1" 6000
		round=$((round + 1))
	done
fi
cat "$rows" >>"$out"

# ---- what was measured ----
sed -n 's/.*"load":"\([^"]*\)","by":"\([^"]*\)".*/\1|\2/p' "$rows" | grep -v '^timers' | awk '!seen[$0]++' >"$W/measured"
printf '| %-36s | %-14s | %9s | %6s | %9s | %6s | %9s | %9s | %9s | %7s |\n' '' '' checks/s ratio 'us of CPU' ratio p50/ms p99/ms extra/MiB threads
echo "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: |"
while IFS='|' read -r load who; do
	echo "$load|$who|$(best "$load" "$who" per_second)|$(best "$load" jobd per_second)|$(best "$load" "$who" cpu_us)|$(best "$load" jobd cpu_us)|$(best "$load" "$who" p50_us)|$(best "$load" "$who" p99_us)|$(best "$load" "$who" extra_kib)|$(best "$load" "$who" threads)"
done <"$W/measured" | awk -F '|' '
	function short(x, by, form) { return x == "" ? "" : sprintf(form, x / by) }
	function ratio(ours, theirs) { return ours > 0 && theirs > 0 ? sprintf("%.2f", ours / theirs) : "" }
	{
		printf "| %-36s | %-14s | %9s | %6s | %9s | %6s | %9s | %9s | %9s | %7s |\n", $1, $2, short($3, 1, "%.0f"), ratio($4, $3),
		    short($5, 1, "%.1f"), ratio($6, $5), short($7, 1000, "%.2f"), short($8, 1000, "%.2f"), short($9, 1024, "%.1f"), $10
	}'
echo "(jobd: its executor alone, as multi and evhttp are; jobd_own: each job with a bundle of its own; whole: the daemon, each check added, made and recorded. Ratio: jobd's by theirs.)"

# ---- what is wanted ----
for width in "1 at a time" "100 at a time" "1000 at a time"; do
	rate_against "http, $width" multi "bare curl multi" ">= 0.9"
	rate_against "http, $width" blackbox blackbox_exporter ">= 5"
	rate_against "http, $width" hey hey ">= 1.3"
done
rate_against "http by name, 100 at a time" multi "bare curl multi" ">= 0.9"
for width in "1 at a time" "100 at a time" "1000 at a time"; do
	rate_against "https, $width" multi "bare curl multi" ">= 0.9"
	rate_against "https, $width" evhttp "evhttp + OpenSSL" ">= 0.9"
	rate_against "https, $width" blackbox blackbox_exporter ">= 1.2"
done
[ -z "$tls" ] || compare "checks/s, https, 100 at a time, against libcurl with Debian's CA path" \
	"$(best "https, 100 at a time" jobd per_second)" "$(best "https, 10 at a time" multi_as_built per_second)" ">= 20"
# The same by CPU time, which others on this machine disturb less.
for width in "1 at a time" "100 at a time" "1000 at a time"; do
	cpu_against "http, $width" multi "bare curl multi" "<= 1.11"
	cpu_against "https, $width" multi "bare curl multi" "<= 1.11"
	cpu_against "https, $width" evhttp "evhttp + OpenSSL" "<= 1.11"
done
cpu_against "http, 100 at a time" blackbox blackbox_exporter "<= 0.2"
cpu_against "http, 100 at a time" hey hey "<= 0.77"
cpu_against "https, 100 at a time" blackbox blackbox_exporter "<= 0.83"
[ -z "$tls" ] || compare "us of CPU, https, 100 at a time, each job with a bundle of its own, against the system's" \
	"$(best "https, 100 at a time" jobd_own cpu_us)" "$(best "https, 100 at a time" jobd cpu_us)" "<= 1.1"
[ -z "$blackbox" ] || compare "us of CPU, http, 100 at a time, the whole of jobd against blackbox_exporter" \
	"$(best "http, 100 at a time" whole cpu_us)" "$(best "http, 100 at a time" blackbox cpu_us)" "<= 0.5"
mib() { best "$1" "$2" extra_kib | awk '{ print $1 / 1024 }'; }
compare "MiB extra with 1000 in flight, http" "$(mib "http, 1000 held for a second" jobd)" "" "<= 28"
[ -z "$tls" ] || compare "MiB extra with 1000 in flight, https, against bare curl multi" \
	"$(mib "https, 1000 held for three seconds" jobd)" "$(mib "https, 1000 held for three seconds" multi)" "<= 1.1"
compare "threads of jobd, at most" "$(sed -n 's/.*"by":"whole".*"threads":\([0-9]*\).*/\1/p' "$rows" | sort -n | tail -n 1)" "" "<= 2"
ms() { best "$1" jobd "$2" | awk '{ print $1 / 1000 }'; }
for scheme in http ${tls:+https}; do
	load="timers, 1000 checks in flight, $scheme"
	[ -n "$(best "$load" jobd in_flight)" ] || continue
	compare "checks in flight while timers are due, at least, $scheme" "$(best "$load" jobd in_flight)" "" ">= 900"
	while read -r share wanted; do
		compare "ms a timer is late meanwhile, $scheme, $share (without checks: $(ms "timers, no checks" noticed_${share}_us))" \
			"$(ms "$load" noticed_${share}_us)" "" "<= $wanted"
	done <<-X
	p50 1
	p99 5
	max 20
	X
done
exec 8>&-
