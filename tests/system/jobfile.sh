# For tests of jobs as files: source it after lib.sh.

# has JOB LINE...: the job is there, and its file has these lines; it is in $T/job then.
has() {
	jobctl export "$1" >"$T/job" || fail "there is no $1"
	shift
	for line; do
		grep -qxF "$line" "$T/job" || fail "wanted '$line' in: $(cat "$T/job")"
	done
}
