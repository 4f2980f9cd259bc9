/*
 * jobctl backup and jobctl restore: the database to a file, and back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/client.h"
#include "client/installation.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/mem.h"

static int backup_run(struct client *c);
static int restore_run(struct client *c);

static const struct option backup_options[] = {
	{ .name = "force", .help = "write over a FILE that is there" },
	{ 0 },
};

const struct command cmd_backup = {
	.name = "backup",
	.usage = "[--force] FILE",
	.summary = "Copy the database to a file",
	.text =
	    "As of one instant, while jobd and its jobs go on. The file is yours alone:\n"
	    "what jobs hold is in it, their environment, too. Output of runs is not: that is\n"
	    "jobd-runner's. - is standard output. For root, or whose jobd it is.\n",
	.examples = "  jobctl backup /backup/jobd-$(date +%F).db\n"
	    "  jobctl --host root@box backup - > box.db\n",
	.options = backup_options,
	.words_name = "a FILE",
	.words_min = 1,
	.words_max = 1,
	.run = backup_run,
};

static const struct option restore_options[] = {
	{ 0, "state-dir", "DIR", OPTION_PATH, 0, NULL, NULL, "jobd's, when it is not the default one" },
	{ 0 },
};

const struct command cmd_restore = {
	.name = "restore",
	.usage = "[--state-dir DIR] FILE",
	.summary = "Put a backup in the database's place",
	.text =
	    "jobd must not run: stop it, restore, start it. The file is checked first; what\n"
	    "was there is kept beside it, as jobd.db.before-restore. It is jobd --restore\n"
	    "that does it.\n",
	.examples = "  jobctl restore jobd-2026-11-27.db\n"
	    "  jobctl restore --state-dir ~/.local/state/jobd mine.db\n",
	.options = restore_options,
	.words_name = "a FILE",
	.words_min = 1,
	.words_max = 1,
	.run = restore_run,
};

/* ---- backup ---- */

/* A part of it to the file.  0, or an exit code after having said what is wrong. */
static int
part_write(const struct cJSON *reply, FILE *file, const char *path, long long *bytes)
{
	const char *text = json_get_string(reply, "dataBase64");
	void *data;
	size_t n;

	if (!text)
		return 0;
	if (base64_decode(text, &data, &n) < 0) {
		complain("jobd sent what is no base64");
		return EXIT_FAILED;
	}
	*bytes += (long long)n;
	if (fwrite(data, 1, n, file) != n) {
		complain("%s: %s", path, strerror(errno));
		free(data);
		return EXIT_FAILED;
	}
	free(data);
	return 0;
}

static int
backup_take(struct client *c, FILE *file, const char *path, long long *bytes)
{
	struct cJSON *parameters = json_object();
	struct call call;
	int r = call_open(&call, c);

	*bytes = 0;
	if (r == 0)
		r = call_send(&call, "io.jobd.Backup", parameters, true);
	do {
		if (r == 0)
			r = call_next(&call);
		if (r == 0)
			r = part_write(call.reply.parameters, file, path, bytes);
	} while (r == 0 && call.reply.continues);
	/* What was cut short must not look whole. */
	if (r == 0 && json_get_int(call.reply.parameters, "bytes", -1) != *bytes) {
		complain("%lld bytes came, and %lld were meant", *bytes,
		    json_get_int(call.reply.parameters, "bytes", -1));
		r = EXIT_FAILED;
	}
	call_close(&call);
	json_free(parameters);
	return r;
}

static int
file_finish(FILE *file, const char *other, const char *path)
{
	bool good = fflush(file) == 0 && fsync(fileno(file)) == 0;

	if (good && rename(other, path) == 0)
		return 0;
	complain("%s: %s", path, strerror(errno));
	return EXIT_FAILED;
}

static int
backup_run(struct client *c)
{
	const char *path = c->args.words[0];
	bool standard = strcmp(path, "-") == 0;
	char *other = xasprintf("%s.new", path), *size;
	long long bytes = 0;
	FILE *file = NULL;
	int fd, r = 0;

	if (standard && c->out.terminal) {
		complain("it is no text for a terminal: name a FILE");
		r = EXIT_USAGE;
	} else if (!standard && access(path, F_OK) == 0 && !args_flag(&c->args, "force")) {
		complain("%s is there already; --force writes over it", path);
		r = EXIT_CONFLICT;
	}
	fd = r || standard ? -1 : open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r == 0)
		file = standard ? stdout : fd < 0 ? NULL : fdopen(fd, "w");
	if (r == 0 && !file) {
		complain("%s: %s", other, strerror(errno));
		r = EXIT_FAILED;
	}
	if (r == 0)
		r = backup_take(c, file, path, &bytes);
	if (r == 0 && !standard)
		r = file_finish(file, other, path);
	if (file && !standard)
		fclose(file);
	if (r && fd >= 0)
		(void)unlink(other);
	if (r == 0 && !standard) {
		size = text_bytes(bytes);
		printf("%s: %s\n", path, size);
		free(size);
	}
	free(other);
	return r;
}

/* ---- restore ---- */

/* jobd: beside us, or where it is found. */
static char *
jobd_program(void)
{
	static const char *const places[] = { "jobd", "../sbin/jobd" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *path = program_beside(places[i]);

		if (path && access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return xstrdup("jobd");
}

/* jobd does it, in our place. */
static int
restore_begin(const char *file, const char *directory)
{
	char *program = jobd_program();
	char *argv[] = { program, xstrdup("--restore"), xstrdup(file),
	    directory ? xstrdup("--state-dir") : NULL, xstrdup(directory), NULL };

	output_flush();
	execvp(program, argv);
	complain("%s: %s: run jobd --restore FILE where jobd is", program, strerror(errno));
	free(argv[1]);
	free(argv[2]);
	free(argv[3]);
	free(argv[4]);
	free(program);
	return EXIT_FAILED;
}

static int
restore_run(struct client *c)
{
	const char *directory = args_text(&c->args, "state-dir");
	char *path;

	/* Whoever talks to another jobd than the usual one hardly means that one's database. */
	if (!directory && (c->socket || getenv("JOBD_SOCKET"))) {
		complain("--state-dir: which one? %s is another jobd's than the usual one, or may be",
		    c->socket ? "--socket" : "JOBD_SOCKET");
		return EXIT_USAGE;
	}
	path = socket_find(c);
	if (socket_try(path) == 0 && !directory) {
		complain("a jobd listens at %s: stop it first", path);
		free(path);
		return EXIT_CONFLICT;
	}
	free(path);
	return restore_begin(c->args.words[0], directory);
}
