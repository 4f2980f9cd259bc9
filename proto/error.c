/*
 * error: see error.h.  This table is the only place that knows an error's name, text,
 * parameters and exit code.
 */
#include <assert.h>
#include <string.h>

#include "proto/error.h"

static const struct error_row rows[] = {
	[JOBD_OK] = { "", "no error", NULL, NULL, EXIT_OK },
	[JOBD_INTERFACE_NOT_FOUND] = { "org.varlink.service.InterfaceNotFound",
	    "there is no such interface", "interface", NULL, EXIT_FAILED },
	[JOBD_METHOD_NOT_FOUND] = { "org.varlink.service.MethodNotFound",
	    "there is no such method", "method", NULL, EXIT_FAILED },
	[JOBD_METHOD_NOT_IMPLEMENTED] = { "org.varlink.service.MethodNotImplemented",
	    "the method is not implemented", "method", NULL, EXIT_FAILED },
	[JOBD_INVALID_PARAMETER] = { "org.varlink.service.InvalidParameter",
	    "a parameter is missing, unknown or of the wrong type", "parameter", NULL, EXIT_USAGE },
	[JOBD_PERMISSION_DENIED] = { "org.varlink.service.PermissionDenied",
	    "not permitted", NULL, NULL, EXIT_NOT_PERMITTED },
	[JOBD_EXPECTED_MORE] = { "org.varlink.service.ExpectedMore",
	    "the method answers only calls with the flag more", NULL, NULL, EXIT_FAILED },
	[JOBD_NOT_FOUND] = { .wire = "io.jobd.NotFound", .text = "nothing is called so",
	    .parameter = "what", .parameter2 = "reason", .exit_code = EXIT_NOT_FOUND, .optional = true },
	[JOBD_NAME_TAKEN] = { "io.jobd.NameTaken",
	    "another job has this name", "name", NULL, EXIT_CONFLICT },
	[JOBD_INVALID_FIELD] = { "io.jobd.InvalidField",
	    "a field has a value that makes no sense", "field", "reason", EXIT_USAGE },
	[JOBD_CONFLICT] = { "io.jobd.Conflict",
	    "that is not possible as things are", "reason", NULL, EXIT_CONFLICT },
	[JOBD_LIMIT_REACHED] = { "io.jobd.LimitReached",
	    "a limit is reached", "limit", NULL, EXIT_FAILED },
	[JOBD_STORE_UNAVAILABLE] = { "io.jobd.StoreUnavailable",
	    "the state cannot be read or written; nothing was changed", "reason", NULL,
	    EXIT_FAILED },
	[JOBD_RUNNER_UNAVAILABLE] = { "io.jobd.RunnerUnavailable",
	    "jobd-runner cannot be reached", "reason", NULL, EXIT_FAILED },
	[JOBD_TIMED_OUT] = { "io.jobd.TimedOut",
	    "it did not happen in time", NULL, NULL, EXIT_WAIT_TIMED_OUT },
	[JOBD_SHUTTING_DOWN] = { "io.jobd.ShuttingDown",
	    "jobd is about to stop", NULL, NULL, EXIT_UNREACHABLE },
};
static_assert(sizeof(rows) / sizeof(rows[0]) == JOBD_ERROR_COUNT, "a row per error");

const struct error_row *
error_row(enum jobd_error e)
{
	return &rows[e];
}

enum jobd_error
error_find(const char *wire)
{
	for (int e = JOBD_OK + 1; e < JOBD_ERROR_COUNT; e++) {
		if (strcmp(rows[e].wire, wire) == 0)
			return e;
	}
	return JOBD_ERROR_COUNT;
}
