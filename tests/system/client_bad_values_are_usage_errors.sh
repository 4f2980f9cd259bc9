#!/bin/sh
# What the client has to understand itself and cannot is a usage error that names the option.
check() {
	want=$1
	shift
	out=$("$BIN/jobctl" --socket /nonexistent "$@" 2>&1)
	code=$?
	[ $code -eq 2 ] || { echo "jobctl $*: exit $code instead of 2: $out"; exit 1; }
	case $out in
	*"$want"*) ;;
	*) echo "jobctl $*: no \"$want\" in: $out"; exit 1 ;;
	esac
}

check '--in' add --in soon true
check '--every' add --every -5s true
check '--at' add --at someday true
check '--output-max' add --output-max 8X true
check '--output-max' add --output-max 99999999999T true
check '--limit' list --limit many
check '--color' --color blue list
check 'needs a value' add --name
check 'takes no value' list --mine=yes
check 'given twice' add -n a --name b true
check 'UTF-8' add "$(printf 'a\377')"
check 'usage: jobctl show' show
check 'usage: jobctl show' show a b
check 'usage: jobctl wait' wait
