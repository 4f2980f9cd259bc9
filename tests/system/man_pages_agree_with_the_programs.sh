#!/bin/sh
# Every command, option and key is in a page; the pages are well formed; the files of config/ are what the tables say.
cd "$JOBD_SOURCE" || exit 1
man=build/man

# has PAGE WORD: as roff has it, with escaped dashes
has() {
	grep -qF -- "$(printf '%s' "$2" | sed 's/-/\\-/g')" "$man/$1" || { echo "$1 does not have $2"; exit 1; }
}

for command in $("$BIN/jobctl" --help | sed -n 's/^  \([a-z]*\)[, ].*/\1/p'); do
	has jobctl.1 "\\fB$command\\fR"
	[ "$command" != help ] || continue
	[ -s "$man/jobctl-$command.1" ] || { echo "there is no page jobctl-$command(1)"; exit 1; }
	for option in $("$BIN/jobctl" "$command" --help | sed '/^Options of every command/,$d' |
	    sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p'); do
		has "jobctl-$command.1" "\\fB$option\\fR"
	done
done
for option in $("$BIN/jobctl" --help | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p'); do
	has jobctl.1 "\\fB$option\\fR"
done
for program in jobd jobd-runner; do
	for option in $("$BIN/$program" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
		has "$program.8" "\\fB$option\\fR"
	done
done

"$BIN/jobd" --help-config | diff config/jobd.conf - || { echo "config/jobd.conf is not what the table says"; exit 1; }
"$BIN/jobd-runner" --help-config | diff config/runner.conf - || { echo "config/runner.conf is not what the table says"; exit 1; }
for key in $(sed -n 's/^#\([a-z_]*\) =.*/\1/p' config/jobd.conf); do has jobd.conf.5 "\\fB$key\\fR"; done
for key in $(sed -n 's/^#\([a-z_]*\) =.*/\1/p' config/runner.conf); do has jobd-runner.8 "\\fB$key\\fR"; done

# Of job files each section, and in it each of its keys.
"$BIN/man-commands" keys | while read -r section key; do
	awk -v section=".SS [$section]" -v key="\\\\fB$key=\\\\fR" '/^[.]S[HS]/ { inside = $0 == section }
		inside && index($0, key) == 1 { found = 1 } END { exit !found }' "$man/job.5" ||
		{ echo "job.5 does not have $key in [$section]"; exit 1; }
done || exit 1

for method in $(sed -n 's/^\(method\|error\|type\) \([A-Za-z]*\).*/\1_\2/p' proto/io.jobd.varlink); do
	has jobd-api.7 ".SS \"${method%%_*} ${method#*_}\""
done

# What the programs look for in the environment, and what they set, is told somewhere.
for name in $(grep -rhoE '"(JOBD|XDG)_[A-Z_]*[A-Z]"|getenv\("[A-Z_]*"\)' client daemon | grep -oE '[A-Z]+_?[A-Z_]*' |
    grep -v '^LISTEN_' | sort -u); do
	grep -qF -- "$name" "$man"/* || { echo "no page tells of \$$name"; exit 1; }
done

if command -v mandoc >/dev/null; then
	for page in "$man"/*; do mandoc -T lint -W warning "$page" || exit 1; done
fi
if command -v man >/dev/null; then
	for page in "$man"/*; do
		said=$(LC_ALL=C.UTF-8 MANROFFSEQ= man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
		[ -z "$said" ] || { echo "$page: $said"; exit 1; }
	done
fi
