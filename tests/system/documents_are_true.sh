#!/bin/sh
# What the documents point at is there: pages and files, commands and options of jobctl, targets of make, settings.
cd "$JOBD_SOURCE" || exit 1
docs="README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md docs/*.md"
bad=0
say() { echo "$*"; bad=1; }

for page in $docs; do
	dir=$(dirname "$page")
	for link in $(grep -o ']([^)#]*' "$page" | sed 's/^](//' | grep -v '^[a-z]*:'); do
		[ -e "$dir/$link" ] || say "$page: there is no $link"
	done
done
# Files that stand in backquotes, from the top of the source; a build's are not there yet.
for file in $(cat $docs | grep -oE '`(daemon|client|proto|tests|packaging|config|docs)/[A-Za-z0-9_./-]*`' | tr -d '`' |
    grep -vE 'NAME|\*' | sort -u); do
	[ -e "$file" ] || say "there is no $file"
done

# Lines like "$ jobctl add --every 5m ..." and `jobctl show --secrets`: the command is there, and has these options.
"$BIN/jobctl" --help | sed -n 's/^  \([a-z]*\)\(, \([a-z]*\)\)\{0,1\} .*/\1 \3/p' | tr ' ' '\n' | sort -u >"$JOBD_TEST_DIR/commands"
{
	grep -ohE '^[#$] jobctl .*' $docs | sed 's/^..//; s/  *#.*//'
	cat $docs | grep -oE '`jobctl [^`]*`' | tr -d '`'
	for command in $(cat "$JOBD_TEST_DIR/commands"); do
		"$BIN/jobctl" "$command" --help 2>/dev/null | sed -n '/^Examples:/,$s/^  \(jobctl .*\)/\1/p'
	done
} | sort -u >"$JOBD_TEST_DIR/lines"
while IFS= read -r line; do
	# What follows is a command of its own, or another program's.
	line=$(printf '%s\n' "$line" | sed "s/ -- .*//; s/ | .*//; s/ && .*//; s/ >.*//; s/ --sh .*/ --sh x/; s/'[^']*'/x/g")
	set -f
	set -- $line
	set +f
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--host | -H | --socket | --color) [ $# -eq 1 ] || shift ;;
		-*) ;;
		*) break ;;
		esac
		shift
	done
	[ $# -gt 0 ] || continue
	command=$1
	case $command in *[!a-z]*) continue ;; esac
	grep -qx "$command" "$JOBD_TEST_DIR/commands" || { say "no such command: $line"; continue; }
	[ "$command" != help ] || continue
	shift
	options=$("$BIN/jobctl" "$command" --help)
	for word; do
		case $word in
		--) break ;;
		--*) echo "$options" | grep -qE -- "(^|[ ,])${word%%=*}( |\$)" || say "no such option ${word%%=*}: jobctl $line" ;;
		esac
	done
done <"$JOBD_TEST_DIR/lines"

for target in $(cat $docs | grep -oE '`make [a-z-]+`|^make [a-z-]+  +#' | sed 's/.*make //; s/[` #].*//' | sort -u); do
	grep -q "^$target:" Makefile tests/tests.mk || say "no such target: make $target"
done
for key in $(cat $docs | grep -oE '`(limits|retention|daemon|checks|engine)\.[a-z_]+`' | tr -d '`' | sort -u); do
	"$BIN/jobd" --help-config | sed "1,/^\[${key%%.*}\]/d; /^\[/,\$d" | grep -q "^#${key#*.} =" || say "no such setting: $key"
done
exit $bad
