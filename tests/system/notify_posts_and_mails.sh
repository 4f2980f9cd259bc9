#!/bin/sh
# A webhook gets a signed POST of the event and is tried again when it fails; mail goes through sendmail; a burst
# is folded; what is wrong with a target is told by its name.
. "$(dirname "$0")/lib.sh"

serve hook "$T/hook"
printf 'a secret\n' >"$T/secret"
cat >"$T/sendmail" <<'MAIL'
#!/bin/sh
{ echo "ARGV $*"; cat; } >"$0.new" && mv "$0.new" "$0.got"
MAIL
chmod +x "$T/sendmail"
cat >"$T/conf" <<CONF
[daemon]
sendmail = $T/sendmail
[target hook]
url = http://127.0.0.1:$port/a/path?key=1
header = Authorization: Bearer 123
header = X-Other: yes
secret_file = $T/secret
[target ops-mail]
mail = ops@example.org
[target many]
command = cat >>$T/many; echo >>$T/many
CONF
start_jobd --config "$T/conf"

# The request N, once it is there; its body.
request() {
	until [ -e "$T/hook.$1" ]; do sleep 0.05; done
	cat "$T/hook.$1"
}
body() {
	request "$1" | tail -n 1
}

jobctl add -n site --notify fail,recover:hook --notify fail:ops-mail --wait --sh 'exit 4' 2>/dev/null
request 1 | head -n 1 | grep -q '^POST /a/path?key=1 HTTP/1.1' || fail "the request: $(request 1)"
for header in 'Authorization: Bearer 123' 'X-Other: yes' 'Content-Type: application/json' 'X-Jobd-Event: fail'; do
	request 1 | grep -q "^$header" || fail "no header $header: $(request 1)"
done
same "the event" "$(body 1 | field event) $(body 1 | field name) $(body 1 | field exitCode)" "fail site 4"
if command -v openssl >/dev/null; then
	wanted=$(request 1 | tail -n 1 | tr -d '\n' | openssl dgst -sha256 -hmac 'a secret' | sed 's/.* //')
	request 1 | tr -d '\r' | grep -qx "X-Jobd-Signature: sha256=$wanted" || fail "the signature: $(request 1)"
fi

until [ -e "$T/sendmail.got" ]; do sleep 0.05; done
for line in 'ARGV -oi -- ops@example.org' 'To: ops@example.org' 'Subject: [jobd] site (1.1) failed: exit code 4'; do
	grep -qxF "$line" "$T/sendmail.got" || fail "the mail has no '$line': $(cat "$T/sendmail.got")"
done

echo 503 >"$T/hook.status"
jobctl notify test hook 2>"$T/err" && fail "a status of 503 is no success"
grep -q 'status 503\|503' "$T/err" || fail "why it failed: $(cat "$T/err")"
grep -q 'key=1' "$T/err" && fail "the query is told, which may be a secret"
jobctl trigger site >/dev/null
request 3 >/dev/null
same "it waits" "$(jobctl notify --json | field targets.0.pending)" 1
rm "$T/hook.status"
same "it is tried again" "$(body 4 | field event) $(body 4 | field run)" "fail 2"

jobctl queue add burst --slots 50 >/dev/null
jobctl queue pause burst >/dev/null
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	jobctl add -q --queue burst --notify fail:many false >/dev/null
done
jobctl queue resume burst >/dev/null
until jobctl queue --json | grep -q '"taken":0' && [ -s "$T/many" ]; do sleep 0.05; done
[ "$(wc -l <"$T/many")" -lt 10 ] || fail "20 failures in $(wc -l <"$T/many") messages"

refused() {
	printf '[target x]\n%s\n' "$1" >"$T/bad"
	"$BIN/jobd" --config "$T/bad" --check-config 2>"$T/err" >/dev/null && fail "taken: $1"
	grep -q "$2" "$T/err" || fail "$1: got '$(cat "$T/err")', wanted '$2'"
}
refused 'mail = a@b
command = x' '\[target x\]: it needs only one of command, url and mail'
refused 'url = ftp://x/' '\[target x\]: url: must begin with http'
refused 'mail = -oQ/tmp' '\[target x\]: mail: it must be one address'
refused 'url = http://x/
secret_file = /nonexistent' '\[target x\]: /nonexistent: No such file'
refused 'url = http://x/
header = bad' '\[target x\]: header: must be Name: value'
refused 'command =' '\[target x\]: command: it is empty'
refused 'comand = x' "no setting 'comand' in \[target\]"
stop_jobd
exec 9>&-
