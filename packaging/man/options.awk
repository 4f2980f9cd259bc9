# The options that a program's --help lists, as man(7).
function escaped(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); gsub(/'/, "\\(aq", s); return s }
/^  --/ {
	at = match(substr($0, 3), /  +/) + 2; name = substr($0, 3, at - 3); text = substr($0, at); sub(/^ +/, "", text)
	word = name; sub(/ .*/, "", word); rest = substr(name, length(word) + 1)
	printf ".TP\n\\fB%s\\fR%s\n%s.\n", escaped(word), rest == "" ? "" : " \\fI" escaped(substr(rest, 2)) "\\fR", escaped(text)
}
