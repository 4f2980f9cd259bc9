#!/bin/sh
# Credentials of checks come from files, read by the client; what they cannot be is refused with the option, and they are
# shown to nobody who has not asked for them.
. "$(dirname "$0")/lib.sh"
start_jobd
printf 'ann:s3cret\n' >"$T/basic"
printf 'to.ken\r\n' >"$T/token"
u=http://127.0.0.1:1/

refused() {	# wanted words, options
	words=$1
	shift
	jobctl add -q "$@" 2>"$T/err"
	same "refused: $*" $? 2
	grep -q -e "$words" "$T/err" || fail "it says: $(cat "$T/err"), wanted $words"
}
jobctl add -q --paused -n basic --http "$u" --auth-file "$T/basic" >/dev/null || fail "basic"
jobctl add -q --paused -n token --http "$u" --bearer-file "$T/token" >/dev/null || fail "bearer"
same "what is in the file" "$(jobctl show --secrets --json basic | field job.spec.http.basicAuth)" ann:s3cret
same "its line alone" "$(jobctl show --secrets --json token | field job.spec.http.bearerToken)" to.ken
jobctl show --json basic | grep -q s3cret && fail "the password is shown"
jobctl show --json token | grep -q to.ken && fail "the token is shown"
jobctl show basic | grep -q s3cret && fail "the password is shown"

# A job file may name the file: each apply reads it, and the job stays what it is.
printf '[Job]\n[Schedule]\nEvery=1d\n[Http]\nUrl=%s\nAuthFile=%s\n' "$u" "$T/basic" >"$T/renewed.job"
jobctl apply "$T/renewed.job" >/dev/null || fail "apply"
id=$(jobctl show --json renewed | field job.id)
same "what the file holds" "$(jobctl show --secrets --json renewed | field job.spec.http.basicAuth)" ann:s3cret
printf 'ann:n3w\n' >"$T/basic"
check "it has changed" sh -c "'$BIN/jobctl' apply '$T/renewed.job' | grep -q '^changed'"
same "what it holds now" "$(jobctl show --secrets --json renewed | field job.spec.http.basicAuth)" ann:n3w
same "the same job" "$(jobctl show --json renewed | field job.id)" "$id"
check "it has not" sh -c "'$BIN/jobctl' apply '$T/renewed.job' | grep -q 'unchanged'"
jobctl export renewed | sed 's/^BasicAuth=.*/BasicAuth=ann:n3wer/' | jobctl apply -f - --take >/dev/null || fail "a changed export"
same "what it holds then" "$(jobctl show --secrets --json renewed | field job.spec.http.basicAuth)" ann:n3wer
echo BasicAuth=a:b >>"$T/renewed.job"
jobctl apply "$T/renewed.job" 2>"$T/err" && fail "both are taken"
check "one of both" grep -q 'AuthFile: give it or BasicAuth, not both' "$T/err"
sed -i '/^BasicAuth/d; s/^AuthFile=.*/AuthFile=basic/' "$T/renewed.job"
jobctl apply "$T/renewed.job" 2>"$T/err" && fail "a relative path is taken"
check "whose path" grep -q 'AuthFile: .*begins with /' "$T/err"
jobctl rm -q renewed
printf 'ann:s3cret\n' >"$T/basic"

# In the URL, the proxy's, and headers: told to who asks for secrets, and stored as they were given.
secret=http://bob:hunter2@127.0.0.1:1/
jobctl add -q --in 100d -n url --http "$secret" --proxy http://pat:pr0xy@127.0.0.1:2 --header 'authorization: Basic h1dden' \
	--header 'Proxy-Authorization: h2dden' --header 'COOKIE: h3dden' --header 'X-Seen: yes' >/dev/null || fail "in the URL"
none='bob\|hunter2\|pat:\|pr0xy\|h[123]dden'
for words in "list" "list --json" "show url" "show url --json" "status" "status url" "why url" "events --since 1h --json" "tasks url"; do
	jobctl $words >"$T/out" 2>&1
	[ $? != 2 ] || fail "jobctl $words: $(cat "$T/out")"
	grep -q "$none" "$T/out" && fail "jobctl $words tells: $(cat "$T/out")"
done
check "the host is told" grep -q '…@127.0.0.1:1/' <<-END
	$(jobctl list)
END
check "a header is told" grep -q 'X-Seen: yes' <<-END
	$(jobctl show url --json)
END
same "who asks is told" "$(jobctl show --secrets --json url | field job.spec.http.url)" "$secret"
same "also of the proxy" "$(jobctl show --secrets --json url | field job.spec.http.proxy)" http://pat:pr0xy@127.0.0.1:2
jobctl export url >"$T/url.job" || fail "export"
jobctl show --secrets --json url | field job.spec.http >"$T/before"
jobctl apply "$T/url.job" >/dev/null || fail "apply"
jobctl rm url >/dev/null && jobctl apply "$T/url.job" >/dev/null || fail "apply anew"
jobctl show --secrets --json url | field job.spec.http >"$T/after"
check "it is there" grep -q hunter2 "$T/before"
check "what was exported is the same" cmp "$T/before" "$T/after"
# What went wrong is told without it, too: the run, its history, its hops.
jobctl add -q -n now --http "$secret" >/dev/null || fail "add"
jobctl wait now >/dev/null 2>&1
for words in "show now" "show now --json" "runs" "runs --json" "history now --json" "why now" "events --since 1h --json" "list"; do
	jobctl $words >"$T/out" 2>&1
	[ $? != 2 ] || fail "jobctl $words: $(cat "$T/out")"
	grep -q "$none" "$T/out" && fail "jobctl $words tells: $(cat "$T/out")"
done
# A summary that an older jobd has stored, also one that was cut.
stop_jobd
"$TOOLS/sql" "$T/state/jobd.db" "UPDATE job SET summary = '$secret' WHERE name = 'url'; UPDATE job SET summary = 'http://bob:hunter2...' WHERE name = 'now'" >/dev/null
grep -q hunter2 "$T/log" && fail "the log tells"
start_jobd
jobctl list >"$T/out" || fail "list"
grep -q "$none" "$T/out" && fail "stored ones are told: $(cat "$T/out")"

echo nobody >"$T/bad"
refused '--auth-file.*must be user:password' --http "$u" --auth-file "$T/bad"
printf 'two words\n' >"$T/bad"
refused '--bearer-file.*must be a token' --http "$u" --bearer-file "$T/bad"
refused '--bearer-file.*only one of' --http "$u" --bearer-file "$T/token" --auth-file "$T/basic"
refused '--auth-file.*the URL has a user already' --http http://bob:x@127.0.0.1:1/ --auth-file "$T/basic"
refused '--auth-file.*Authorization header' --http "$u" --header 'authorization: x' --auth-file "$T/basic"
refused '--auth-file' --http "$u" --auth-file "$T/nothing"
refused '--cacert.*must be certificates in PEM' --http https://127.0.0.1:1/ --cacert "$T/basic"
refused '--cert.*needs an https URL' --http "$u" --cert "$T/basic"
refused '--cert-key.*needs the certificate' --http https://127.0.0.1:1/ --cert-key "$T/basic"
refused '--cert.*must be certificates in PEM' --http https://127.0.0.1:1/ --cert "$T/basic"
refused '--auth-file is not for a job of the kind command' --auth-file "$T/basic" -- true

if command -v openssl >/dev/null; then
	for who in ann bob; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$who" \
			-keyout "$T/$who.key" -out "$T/$who.pem" 2>/dev/null || fail "openssl"
	done
	refused '--cert-key.*is missing' --http https://127.0.0.1:1/ --cert "$T/ann.pem"
	refused '--cert-key.*is not the key' --http https://127.0.0.1:1/ --cert "$T/ann.pem" --cert-key "$T/bob.key"
	jobctl add -q --paused -n cert --http https://127.0.0.1:1/ --cert "$T/ann.pem" --cert-key "$T/ann.key" >/dev/null ||
		fail "a client certificate"
	jobctl show --json cert | grep -q 'PRIVATE KEY' && fail "the key is shown"
	jobctl show --json cert | grep -q 'BEGIN CERTIFICATE' || fail "the certificate is not shown"
fi
stop_jobd
