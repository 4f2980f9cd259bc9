# Completion of jobctl for fish: jobctl itself says what fits (jobctl __complete).

function __jobctl_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	set -l lines ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
	switch "$lines[1]"
		case ':files *'
			set -l front (string replace -r '^:files ' '' -- $lines[1])
			set -l rest (string sub -s (math (string length -- "$front") + 1) -- "$current")
			for path in (__fish_complete_path "$rest")
				printf '%s%s\n' "$front" $path
			end
		case ':dirs *'
			__fish_complete_directories "$current"
		case ':command *'
			set -l at (math (string replace ':command ' '' -- $lines[1]) + 1)
			complete -C (string join ' ' -- (string escape -- $words[$at..-1]) "$current")
		case '*'
			printf '%s\n' $lines
	end
end

complete -c jobctl -f -a '(__jobctl_complete)'
