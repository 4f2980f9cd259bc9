#!/bin/sh
# An option that is not there is never taken in silence: not a wrong one, not one that another
# version has, and not the beginning of one that is.
check() {
	meant=$1
	shift
	out=$("$BIN/jobctl" "$@" 2>&1)
	code=$?
	[ $code -eq 2 ] || { echo "jobctl $*: exit $code instead of 2"; exit 1; }
	case $out in
	*"unknown option"*"$meant"*) ;;
	*) echo "jobctl $*: no \"unknown option\" and \"$meant\" in: $out"; exit 1 ;;
	esac
}

check 'did you mean --label?' list --lable a=b
check 'did you mean --timeout?' add --dry-run --timeuot 5s true
check 'did you mean --state?' list --stat running
check 'did you mean --limit?' runs --lim 5
check '' add --dry-run --no-such-thing true
check '-Z' list -Z
check '--every' run --dry-run --every 1h true
