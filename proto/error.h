/*
 * error: what can go wrong with a call.  One row per error in error.c: the enum, the
 * name on the wire, its text for people, and jobctl's exit code.
 */
#ifndef PROTO_ERROR_H
#define PROTO_ERROR_H

#include <stdbool.h>

enum jobd_error {
	JOBD_OK,
	/* org.varlink.service */
	JOBD_INTERFACE_NOT_FOUND,	/* {interface} */
	JOBD_METHOD_NOT_FOUND,		/* {method} */
	JOBD_METHOD_NOT_IMPLEMENTED,	/* {method} */
	JOBD_INVALID_PARAMETER,		/* {parameter}: wrong type, missing, or unknown */
	JOBD_PERMISSION_DENIED,		/* {} */
	JOBD_EXPECTED_MORE,		/* {} */
	/* io.jobd */
	JOBD_NOT_FOUND,			/* {what, reason}: the selector that found nothing; why it does not any more, or NULL */
	JOBD_NAME_TAKEN,		/* {name} */
	JOBD_INVALID_FIELD,		/* {field, reason}: a value that means nothing sensible */
	JOBD_CONFLICT,			/* {reason} */
	JOBD_LIMIT_REACHED,		/* {limit} */
	JOBD_STORE_UNAVAILABLE,		/* {reason} */
	JOBD_RUNNER_UNAVAILABLE,	/* {reason} */
	JOBD_TIMED_OUT,			/* {} */
	JOBD_SHUTTING_DOWN,		/* {} */
	JOBD_ERROR_COUNT
};

/* The exit codes of jobctl that are not the command's own (DESIGN 8). */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_NOT_PERMITTED = 4,
	EXIT_UNREACHABLE = 5,
	EXIT_CONFLICT = 6,
	EXIT_WAIT_TIMED_OUT = 7,
	EXIT_RUN_TIMED_OUT = 124,
	EXIT_NOT_STARTED = 125,
};

struct error_row {
	const char	*wire;		/* full name, "io.jobd.NotFound" */
	const char	*text;		/* for people, without the parameters */
	const char	*parameter;	/* name of the first parameter, or NULL */
	const char	*parameter2;	/* of the second, or NULL */
	enum exit_code	 exit_code;
	bool		 optional;	/* the second may be absent */
};

/* The row of an error; e is less than JOBD_ERROR_COUNT. */
const struct error_row *error_row(enum jobd_error e);

/* The error with this wire name, or JOBD_ERROR_COUNT for a stranger's. */
enum jobd_error error_find(const char *wire);

#endif
