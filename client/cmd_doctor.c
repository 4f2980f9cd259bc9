/*
 * jobctl doctor: what is wrong with jobd and with its installation, and what helps.  What a running daemon knows
 * of itself it tells; what keeps it from running or from being reached is looked for here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/call.h"
#include "client/client.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int doctor_run(struct client *c);

static const struct option doctor_options[] = {
	{ .name = "since", .argument = "D", .kind = OPTION_DURATION, .field = "sinceUSec",
	    .help = "what happened in the last D (1d)" },
	{ .name = "kinds", .kind = OPTION_FLAG,
	    .help = "also who uses the loop, by kind of task" },
	{ .name = "dump", .kind = OPTION_FLAG, .field = "dump",
	    .help = "also write the flight record to a file" },
	{ 0 },
};

const struct command cmd_doctor = {
	.name = "doctor",
	.usage = "[OPTIONS] [--dump [FILE]]",
	.summary = "Tell what is wrong with jobd, and what helps",
	.text =
	    "It asks the daemon who has blocked or starved its loop, what should be gone\n"
	    "and is not, and how slow its disk was; and looks at the installation: socket,\n"
	    "rights, runner, disk, clock. Where nobody answers it looks for the reason. It\n"
	    "exits with 0 when all is well, 1 when something was found, 5 when jobd cannot\n"
	    "be reached, 4 when you may not reach it.\n"
	    "With --dump the last minutes of the loop and what the scheduler decided in them\n"
	    "are written to FILE, or to one in the state directory that is named;\n"
	    "jobd --replay FILE prints it, and decides again.\n",
	.examples = "  jobctl doctor\n  jobctl doctor --since 1h\n"
	    "  jobctl doctor --json | jq -r '.findings[].text'\n",
	.options = doctor_options,
	.words_name = "FILE",
	.words_max = 1,
	.run = doctor_run,
};

/* Less than this is too little for anything. */
#define FREE_MIN ((unsigned long long)64 << 20)

/* What jobctl finds itself is told as the daemon tells its own. */
static void
found(struct cJSON *findings, const char *what, bool note, char *text, const char *remedy)
{
	struct cJSON *o = json_object();

	json_set_string(o, "what", what);
	json_set_string(o, "text", text);
	if (note)
		json_set_bool(o, "note", 1);
	if (remedy)
		json_set_string(o, "remedy", remedy);
	json_push(findings, o);
	free(text);
}

/* ---- why does nobody answer? ---- */

/* The folders above the socket: the first that is missing, or that may not be entered. */
static void
path_check(struct cJSON *findings, const char *path)
{
	char *part = xstrdup(path), *slash = part;
	struct stat st;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (stat(part, &st) < 0 || access(part, X_OK) < 0) {
			found(findings, "socket", false, xasprintf("the folder %s of the socket %s: %s", part,
			    path, strerror(errno)),
			    errno == ENOENT ? "start jobd, which makes it; or name its socket with --socket" :
			    "ask for the right to enter it");
			break;
		}
		*slash = '/';
	}
	free(part);
}

/* A connection, to see what the kernel says.  0 or -errno. */
static int
try(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		r = -ENAMETOOLONG;
	else
		strcpy(address.sun_path, path);
	if (r == 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static void
socket_judge(struct cJSON *findings, const char *path, int error)
{
	struct stat st;

	switch (error) {
	case EACCES:
	case EPERM:
		path_check(findings, path);
		if (json_count(findings) == 0)
			found(findings, "rights", false, xasprintf("you may not use the socket %s", path),
			    "usermod -a -G jobd USER, then log in again; or be root");
		return;
	case ENOENT:
		path_check(findings, path);
		if (json_count(findings) == 0)
			found(findings, "socket", false, xasprintf("there is no socket %s: jobd does not run, or"
			    " listens elsewhere", path),
			    "systemctl start jobd, or in a terminal: jobd; another place is named with --socket");
		return;
	case ECONNREFUSED:
		if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
			found(findings, "socket", false, xasprintf("%s is no socket", path),
			    "name the right one with --socket");
		else
			found(findings, "socket", false, xasprintf("nobody listens at %s: jobd has ended without"
			    " clearing up", path), "systemctl restart jobd; journalctl -u jobd tells why it ended");
		return;
	default:
		found(findings, "socket", false, xasprintf("cannot connect to %s: %s", path, strerror(error)), NULL);
	}
}

/* Where the state would be, if anybody can tell: beside a default socket. */
static char *
state_find(const char *path)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (strncmp(path, "/run/jobd/", 10) == 0)
		return xstrdup("/var/lib/jobd");
	if (state && *state == '/')
		return xasprintf("%s/jobd", state);
	return home && *home == '/' ? xasprintf("%s/.local/state/jobd", home) : NULL;
}

/* A daemon that cannot write its state ends at its start. */
static void
state_check(struct cJSON *findings, const char *path)
{
	char *state = state_find(path), *database;
	struct statvfs disk;
	struct stat st;

	if (!state)
		return;
	database = xasprintf("%s/jobd.db", state);
	if (stat(state, &st) == 0) {
		if (statvfs(state, &disk) == 0 && (unsigned long long)disk.f_bavail * disk.f_frsize < FREE_MIN)
			found(findings, "disk_space", false, xasprintf("the disk of %s is full", state),
			    "make room: jobd cannot open its database without");
		if (stat(database, &st) == 0 && st.st_uid == geteuid() && access(database, W_OK) < 0)
			found(findings, "rights", false, xasprintf("%s cannot be written: %s", database,
			    strerror(errno)), "chmod 600 it");
	}
	free(database);
	free(state);
}

/* ---- the host ---- */

static void
clock_check(struct cJSON *findings)
{
	struct timex t = { .modes = 0 };

	if (adjtimex(&t) == TIME_ERROR)
		found(findings, "clock", true, xstrdup("the clock of this host is not synchronised: schedules follow it,"
		    " wherever it goes"), "timedatectl set-ntp true, or install chrony");
	if (access("/usr/share/zoneinfo/UTC", R_OK) < 0)
		found(findings, "zones", false, xstrdup("there are no time zones in /usr/share/zoneinfo"),
		    "install tzdata: jobs with a zone are refused without");
}

/* ---- telling ---- */

static void
finding_print(const struct output *o, const struct cJSON *f)
{
	const char *at = json_get_string(f, "at"), *remedy = json_get_string(f, "remedy");
	const char *made = json_get_string(f, "madeIn");
	char *text = text_escape(json_get_string(f, "text")), *when = at ? text_instant(o, at) : NULL;
	bool note = json_get_bool(f, "note", 0);
	const struct cJSON *frame;

	printf("%s%s%s%s%s%s\n", note ? "" : color_of(o, "failed"), note ? "(" : "", text, when ? ", at " : "",
	    when ? when : "", note ? ")" : color_off(o));
	for (frame = json_first(json_get(f, "stack")); frame; frame = json_next(frame))
		printf("    %s\n", json_text(frame));
	if (made)
		printf("    made in %s\n", made);
	if (remedy)
		printf("    %s\n", remedy);
	free(text);
	free(when);
}

static void
kinds_print(const struct output *o, const struct cJSON *kinds)
{
	static const struct column columns[] = {
		{ "TASK", COLUMN_FLEX }, { "LOOP", COLUMN_RIGHT }, { "STEPS/S", COLUMN_RIGHT },
		{ "STEPS", COLUMN_RIGHT }, { "USED", COLUMN_RIGHT }, { "LONGEST", COLUMN_RIGHT },
		{ "READY P99", COLUMN_RIGHT }, { "READY MAX", COLUMN_RIGHT }, { 0 },
	};
	const struct cJSON *k;
	struct table t;

	table_init(&t, o, columns);
	for (k = json_first(kinds); k; k = json_next(k)) {
		table_cell(&t, xstrdup(json_get_string(k, "name")));
		table_cell(&t, xasprintf("%.1f%%", (double)json_get_int(k, "loopPermille", 0) / 10));
		table_cell(&t, xasprintf("%lld", json_get_int(k, "stepsPerSecond", 0)));
		table_cell(&t, xasprintf("%lld", json_get_int(k, "steps", 0)));
		table_cell(&t, text_duration(json_get_int(k, "usedUSec", 0)));
		table_cell(&t, text_duration(json_get_int(k, "stepMaxUSec", 0)));
		table_cell(&t, text_duration(json_get_int(k, "readyWaitP99USec", 0)));
		table_cell(&t, text_duration(json_get_int(k, "readyWaitMaxUSec", 0)));
	}
	puts("");
	table_flush(&t);
	table_done(&t);
}

/* How many of them ask to be mended. */
static size_t
serious(const struct cJSON *findings)
{
	const struct cJSON *f;
	size_t n = 0;

	for (f = json_first(findings); f; f = json_next(f))
		n += !json_get_bool(f, "note", 0);
	return n;
}

static void
findings_print(const struct client *c, const struct cJSON *reply)
{
	const struct cJSON *findings = json_get(reply, "findings"), *f;

	for (f = json_first(findings); f; f = json_next(f))
		finding_print(&c->out, f);
	if (serious(findings) == 0)
		puts("All is well.");
	if (args_flag(&c->args, "kinds"))
		kinds_print(&c->out, json_get(reply, "kinds"));
}

/* The record goes where the user wants it, with his rights; jobd's own file stays.  0, or an exit code. */
static int
record_copy(const char *from, const char *to)
{
	char buffer[16384];
	FILE *in = fopen(from, "re"), *out = NULL;
	size_t n = 1;
	bool good;

	if (in)
		out = fopen(to, "we");
	if (!out) {
		complain("%s: %s", in ? to : from, strerror(errno));
		if (in)
			(void)fclose(in);
		return EXIT_FAILED;
	}
	while (n > 0) {
		n = fread(buffer, 1, sizeof(buffer), in);
		if (fwrite(buffer, 1, n, out) != n)
			break;
	}
	good = !ferror(in) && !ferror(out);
	(void)fclose(in);
	good = fclose(out) == 0 && good;
	if (!good)
		complain("%s: %s", to, strerror(errno));
	return good ? 0 : EXIT_FAILED;
}

/* 0, or an exit code. */
static int
record_tell(const struct client *c, const struct cJSON *reply)
{
	const char *path = json_get_string(reply, "dump"), *to = c->args.n_words > 0 ? c->args.words[0] : NULL;
	int r = 0;

	if (!path)
		return 0;
	if (to)
		r = record_copy(path, to);
	if (r == 0 && !c->out.json)
		printf("The flight record is in %s; jobd --replay prints it.\n", to ? to : path);
	return r;
}

static int
doctor_run(struct client *c)
{
	bool json = c->out.json;
	char *path = socket_find(c);
	struct cJSON *reply = NULL, *findings;
	int r = 0, error = -try(path);

	if (c->args.n_words > 0 && !args_flag(&c->args, "dump")) {
		complain("a FILE goes with --dump");
		free(path);
		return EXIT_USAGE;
	}
	if (error == 0) {
		c->out.json = false;
		r = call_once(c, "io.jobd.Doctor", c->args.parameters, &reply);
		c->out.json = json;
	} else {
		r = error == EACCES || error == EPERM ? EXIT_NOT_PERMITTED : EXIT_UNREACHABLE;
		reply = json_object();
		json_set(reply, "findings", json_array());
	}
	if (reply) {
		findings = json_get(reply, "findings");
		if (error != 0) {
			socket_judge(findings, path, error);
			state_check(findings, path);
		}
		clock_check(findings);
		if (json)
			output_json(reply);
		else
			findings_print(c, reply);
		if (r == 0)
			r = record_tell(c, reply);
		if (r == 0 && serious(findings) > 0)
			r = EXIT_FAILED;
	}
	json_free(reply);
	free(path);
	return r;
}
