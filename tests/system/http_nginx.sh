#!/bin/sh
# Honest answers, by nginx: HTTP/1.1 and HTTP/2, TLS by a chain of our own, compression left alone, a body matched.
. "$(dirname "$0")/lib.sh"
if ! command -v nginx >/dev/null || ! command -v openssl >/dev/null; then
	echo "SKIP: nginx and openssl are needed (Debian: nginx-light, openssl)"
	exit 0
fi
# A free port, by asking for one; a moment later it may be another's, so nginx is tried a few times.
port() { "$TOOLS/freeport"; }

mkdir "$T/www" "$T/nginx"
printf '{"status":{"db":"ok","lag":3}}\n' >"$T/www/health"
(
	cd "$T"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 20 -subj '/CN=Test CA' &&
	openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj '/CN=localhost' &&
	printf 'subjectAltName=DNS:localhost\n' >ext &&
	openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile ext -out leaf.pem
) >"$T/openssl.log" 2>&1 || fail "openssl: $(tail -n 3 "$T/openssl.log")"

start_nginx() {
	plain=$(port) tls=$(port)
	cat >"$T/nginx.conf" <<CONF
daemon off; master_process off; pid $T/nginx.pid; error_log $T/nginx.log;
events { worker_connections 64; }
http {
	access_log off; root $T/www; default_type application/json; gzip on; gzip_min_length 1; gzip_types *;
	client_body_temp_path $T/nginx; proxy_temp_path $T/nginx; fastcgi_temp_path $T/nginx;
	uwsgi_temp_path $T/nginx; scgi_temp_path $T/nginx;
	server {
		listen 127.0.0.1:$plain; listen 127.0.0.1:$tls ssl http2; server_name localhost;
		ssl_certificate $T/leaf.pem; ssl_certificate_key $T/leaf.key;
		location /old { return 301 https://localhost:$tls/health; }
		location /post { return 200 "\$request_method \$server_protocol"; }
		location /private { auth_basic x; auth_basic_user_file $T/users; alias $T/www/health; }
	}
}
CONF
	nginx -c "$T/nginx.conf" -p "$T" >/dev/null 2>"$T/nginx.err" &
	NGINX=$!
	# It is ready when its file with the pid is there, or it has ended.
	until [ -s "$T/nginx.pid" ]; do kill -0 $NGINX 2>/dev/null || return 1; done
}
printf 'me:{PLAIN}pw\n' >"$T/users"
trap 'kill "$NGINX" 2>/dev/null; cleanup' EXIT
start_nginx || start_nginx || start_nginx || fail "nginx: $(cat "$T/nginx.err")"
start_jobd
site=https://localhost:$tls

run_check() {	# name, wanted exit code, options
	name=$1 code=$2
	shift 2
	jobctl add -q -n "$name" --wait "$@" >/dev/null 2>"$T/err"
	got=$?
	[ $got = "$code" ] || fail "exit code of $name: $got, wanted $code: $(cat "$T/err")"
}
last() { jobctl show "$1" --json | field "job.lastRun.$2"; }

run_check plain 0 --http "http://localhost:$plain/health" --json-match status.db=ok --json-match 'status.lag<10' \
	--header-match 'Content-Type: ^application/json' --expect-size 10..100 --body-match '"ok"'
run_check two 0 --http "$site/health" --cacert "$T/ca.pem" --http-version http2 --cert-days 30 --chain-days 10
[ "$(last two phases.tlsUSec)" -gt 0 ] || fail "no time for TLS"
run_check post 0 --http "$site/post" --cacert "$T/ca.pem" --body 'some text' --body-match '^POST HTTP/2.0$'
for phase in send wait receive; do
	[ -n "$(last post phases.${phase}USec)" ] || fail "no time of $phase"
done
run_check one 0 --http "$site/health" --cacert "$T/ca.pem" --http-version http1
run_check not-two 1 --http "http://localhost:$plain/health" --http-version http2
run_check chain 1 --http "$site/health" --cacert "$T/ca.pem" --chain-days 60
same "verdict" "$(last chain verdict)" degraded
last chain reason | grep -q 'its chain expires in \(19\|20\) days (Test CA), expected at least 60' || fail "it says: $(last chain reason)"
run_check stranger 1 --http "$site/health"
last stranger reason | grep -q 'its certificate is not accepted' || fail "it says: $(last stranger reason)"
run_check moved 0 --http "http://localhost:$plain/old" --cacert "$T/ca.pem"
same "the hop" "$(last moved redirects.0)" "301 $site/health"
run_check closed 1 --http "http://localhost:$plain/private"
same "status" "$(last closed httpStatus)" 401
run_check open 0 --http "http://me:pw@localhost:$plain/private"
# The thread sanitizer has one of its own.
case $BIN in *san-thread*) ;; *) same "threads of jobd" "$(ls /proc/$JOBD/task | wc -l)" 2 ;; esac
stop_jobd
