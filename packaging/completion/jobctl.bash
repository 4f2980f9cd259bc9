# Completion of jobctl for bash: jobctl itself says what fits (jobctl __complete).

_jobctl() {
	local rest=${COMP_LINE:0:COMP_POINT} words=() piece trimmed whole strip line i

	# bash parts words at = and :, too; jobctl wants them as they were typed.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		trimmed=${rest#"${rest%%[![:space:]]*}"}
		piece=${COMP_WORDS[i]}
		((i == COMP_CWORD)) && piece=$trimmed
		if ((i > 0)) && [[ $trimmed == "$rest" ]]; then
			words[${#words[@]}-1]+=$piece
		else
			words+=("$piece")
		fi
		rest=${trimmed#"$piece"}
	done
	whole=${words[${#words[@]}-1]}
	piece=${COMP_WORDS[COMP_CWORD]}
	# What stands before the last of them stays where it is.
	strip=
	if [[ $whole == *[=:]* && $COMP_WORDBREAKS == *[=:]* ]]; then
		strip=${whole%"${whole##*[=:]}"}
	fi

	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		":files "*)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "${whole#"${line#:files }"}")
			return ;;
		":dirs "*)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -d -- "${whole#"${line#:dirs }"}")
			return ;;
		":command "*)
			_jobctl_command "${line#:command }" "$whole" "${#words[@]}"
			return ;;
		esac
		line=${line%%$'\t'*}
		[[ $line == *[=:\<] ]] && compopt -o nospace
		COMPREPLY+=("${line#"$strip"}")
	done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
}

# A command line of its own begins at this word; bash-completion knows how to go on in it.
_jobctl_command() {
	if (($1 == $3 - 1)); then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -c -- "$2")
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	else
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
	fi
}

complete -F _jobctl jobctl
