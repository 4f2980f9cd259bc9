# An interface file of Varlink as man(7): its methods and errors, or with -v what=types its types.
function escaped(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); gsub(/'/, "\\(aq", s); gsub(/~/, "\\(ti", s); sub(/^[.]/, "\\\\\\&.", s); return s }
function flush_words() {
	for (i = 1; i <= n; i++) { if (words[i] == "") { if (i > 1 && i < n) print ".PP" } else print escaped(words[i]) }
	n = 0
}
/^interface/ { n = 0; next }
/^#/ { line = $0; sub(/^# ?/, "", line); words[++n] = line; next }
/^$/ { if (!inside) n = 0; next }
/^(type|method|error) / {
	wanted = (what == "types") == ($1 == "type")
	name = $2; sub(/\(.*/, "", name)
	if (wanted) {
		printf ".SS \"%s %s\"\n", $1, name
		if (n > 0) {
			flush_words()
			print ".PP"
		}
		print ".nf"
	}
	n = 0
	inside = 1
}
inside && wanted { line = $0; gsub(/\t/, "    ", line); print escaped(line) }
inside {
	for (at = 1; at <= length($0); at++) { c = substr($0, at, 1); if (c == "(") depth++; if (c == ")") depth-- }
	if (depth == 0 && !/->[ ]*$/) { inside = 0; if (wanted) print ".fi" }
}
