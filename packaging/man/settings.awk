# A configuration file as --help-config prints it, as man(7): a section and a key each with what it is.
function escaped(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); gsub(/'/, "\\(aq", s); gsub(/~/, "\\(ti", s); return s }
/^#?\[/ { sub(/^#/, ""); if (doc != "") head = doc; printf ".SS \"%s\"\n", escaped($0); if (started && doc != "") print escaped(doc); doc = ""; started = 1; next }
/^# / { if (started || seen) doc = doc (doc == "" ? "" : " ") substr($0, 3); next }
/^$/ { seen = 1; if (!started) doc = ""; next }
/^#[a-z_]+ =/ {
	name = $1; sub(/^#/, "", name); value = $0; sub(/^[^=]*= ?/, "", value)
	printf ".TP\n\\fB%s\\fR", escaped(name)
	if (value != "") printf " = %s", escaped(value)
	printf "\n%s\n", escaped(doc); doc = ""
}
