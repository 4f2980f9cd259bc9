#!/bin/sh
# Every command that --help lists has a help of its own: usage, two examples, 80 columns.
commands=$("$BIN/jobctl" --help | sed -n 's/^  \([a-z]*\)[, ].*/\1/p')
for want in add list status show runs logs wait watch cancel rm trigger retry pause resume skip backfill ping next explain \
	events top stats tasks doctor why audit simulate queue run edit set apply diff export import backup restore \
	completion help; do
	echo "$commands" | grep -qx "$want" || { echo "--help does not list $want"; exit 1; }
done

for command in $commands; do
	[ "$command" = help ] && continue
	out=$("$BIN/jobctl" "$command" --help) || { echo "$command --help fails"; exit 1; }
	[ "$out" = "$("$BIN/jobctl" help "$command")" ] || { echo "help $command differs"; exit 1; }
	echo "$out" | grep -q "^usage: jobctl $command" || { echo "$command: no usage"; exit 1; }
	[ "$(echo "$out" | grep -c '^  jobctl ')" -ge 2 ] || { echo "$command: no two examples"; exit 1; }
	long=$(echo "$out" | grep '.\{81\}')
	[ -z "$long" ] || { echo "$command: too wide: $long"; exit 1; }
done
"$BIN/jobctl" --help | grep '.\{81\}' && { echo "--help is too wide"; exit 1; }
exit 0
