#!/bin/sh
# nested-await.sh [FILE...]: no AWAIT, SLEEP_UNTIL or TASK_YIELD inside a switch of a step function: the
# wait's `case` would belong to that switch, and the task would resume nowhere.  Compilers do not see it;
# the program would abort at the first resume.  Prints file:line of each and fails.  Without files: all of
# daemon/ and tests/; a line that says "lint: on purpose" is let pass.  With --self-test it proves that it can fail.
set -eu

check() {
	awk '
	# Blank out comments, strings and character constants, so that braces and words in them do not count.
	function strip(s,   out, c, two) {
		out = ""
		while (s != "") {
			c = substr(s, 1, 1); two = substr(s, 1, 2)
			if (comment) {
				if (two == "*/") { comment = 0; s = substr(s, 3) } else s = substr(s, 2)
			} else if (two == "/*") {
				comment = 1; s = substr(s, 3); out = out " "
			} else if (two == "//") {
				break
			} else if (match(s, /^"([^"\\]|\\.)*"/) || match(s, /^\047([^\047\\]|\\.)*\047/)) {
				s = substr(s, RLENGTH + 1); out = out "0"
			} else {
				out = out c; s = substr(s, 2)
			}
		}
		return out
	}
	FNR == 1 { depth = inside = bare = over = asked = parens = comment = macro = 0 }
	{
		line = strip($0)
		# A macro is text, not a function: its braces need not match.
		if (macro || line ~ /^[ \t]*#/) { macro = $0 ~ /\\$/; next }
		while (match(line, /[A-Za-z_][A-Za-z_0-9]*|[{}();]/)) {
			word = substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
			# A switch without braces lasts for one statement.
			if (bare && over && word != "else") bare = 0
			over = 0
			if (asked == 2 && word != "{") { bare = 1; at_bare = depth; asked = 0 }
			if (word == "switch") { asked = 1; parens = 0 }
			else if (word == "(") parens++
			else if (word == ")") { parens--; if (asked == 1 && parens == 0) asked = 2 }
			else if (word == ";") { if (bare && parens <= 0 && depth == at_bare) bare = 0 }
			else if (word == "{") { depth++; if (asked) { at[++inside] = depth; asked = 0 } }
			else if (word == "}") {
				if (inside && at[inside] == depth) inside--
				depth--
				if (depth <= 0) depth = inside = bare = 0
				over = bare && depth == at_bare
			}
			else if ((inside || bare) && word ~ /^(AWAIT|AWAIT_[A-Z_]+|SLEEP_UNTIL|TASK_YIELD|TASK_WAIT_)$/ && $0 !~ /lint: on purpose/) {
				printf "%s:%d: %s inside a switch: use if\n", FILENAME, FNR, word
				failed = 1
			}
		}
	}
	END { exit failed }' "$@"
}

if [ "${1:-}" = --self-test ]; then
	t=$(mktemp -d)
	trap 'rm -rf "$t"' EXIT
	cat >"$t/good.c" <<-'END'
	/* switch (x) { AWAIT(t, in a comment); */
	#define MACRO(x) switch (x) { \
		case 0:
	static int
	step(struct task *t)
	{
		TASK_BEGIN(t);
		switch (f->kind) {
		case '{':
			f->text = "switch {";
			break;
		default:
			break;
		}
		if (f->kind == 1) {
			AWAIT(t, f->done);
		}
		switch (f->kind) case 1: f->text = "x";
		AWAIT(t, f->done);
		switch (f->kind) case 1: if (f->kind) { f->n++; } else f->n--;
		AWAIT(t, f->done);
		switch (f->kind) default: for (;;) { break; }
		AWAIT(t, f->done);
		SLEEP_UNTIL(t, 1);
		TASK_END(t, 0);
	}
	END
	cat >"$t/bad.c" <<-'END'
	static int
	step(struct task *t)
	{
		switch (kind(f, (int)1)) {
		case 1:
			AWAIT(t, f->done);
			break;
		case 2: {
			while (x) {
				AWAIT_UNTIL(t, 1, f->done); /* } */
			}
			if (y) { SLEEP_UNTIL(t, "}"[0]); }
			TASK_YIELD(t);
			break;
		}
		default:
			switch (z)
			{
			default: AWAIT_SHIELDED(t,
				USEC_NEVER, f->done);
			}
		}
		AWAIT(t, f->fine);
		switch (x) case 1: AWAIT(t, y);
		switch (x)
		case 1:
		case 2:
			if (y) { z(); } else AWAIT(t, y);
		switch (x) case 1: switch (z) { case 2: AWAIT(t, y); }
		switch (x) while (y) { SLEEP_UNTIL(t, 1); }
		AWAIT(t, f->fine);
	}
	END
	check "$t/good.c" || { echo "nested-await.sh: finds fault with a good file" >&2; exit 1; }
	found=$(check "$t/bad.c" | sed 's/.*bad\.c:\([0-9]*\):.*/\1/' | tr '\n' ' ') || true
	[ "$found" = "6 10 12 13 19 24 28 29 30 " ] || { echo "nested-await.sh: its own test found lines $found" >&2; exit 1; }
	# A sample piped in fails, too.
	! check - <"$t/bad.c" >/dev/null || { echo "nested-await.sh: a bad sample on stdin passes" >&2; exit 1; }
	exit 0
fi
if [ $# = 0 ]; then
	cd "$(dirname "$0")/.."
	set -- $(find daemon tests -name '*.[ch]' | sort)
fi
check "$@"
