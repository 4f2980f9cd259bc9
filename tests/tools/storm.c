/*
 * storm [--calm | --runner] [--seed N] [--seconds N] [--clients N] JOBD TALLY DIR: clients that add, trigger, cancel, pause,
 * remove, list, wait and read, while jobd is killed (SIGKILL) at random instants and started again; --runner: and its
 * runner; --calm: nobody.  In DIR: s, state, log as of jobd; journal and tally as compare wants them.  Each client writes down what
 * was acknowledged before it does anything with it.  At the end jobd lives (its pid is in DIR/pid), what stays
 * has been cancelled, what repeats is paused; and one line on stdout counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/tools/lib/varlink.h"

#define CLIENTS_MAX	64
/* Far fewer in all than commands may run at once. */
#define STAYS_MAX	4
#define THINK_MSEC_MAX	60
/* Between two kills: so long at most, often much less. */
#define QUIET_MSEC_MAX	600
/* Somebody who cannot be reached so long will not be. */
#define REACH_SECONDS	30
/* What was added begins by then, whatever the load. */
#define SETTLE_SECONDS	60

struct client {
	pthread_t	 thread;
	int		 number;
	uint64_t	 random;
	struct varlink	 v;
	long long	 latest, stored, repeats;	/* jobs; 0: none yet */
	long long	 stays[STAYS_MAX];
	int		 stays_n, keys;
	long long	 calls, broken;
};

static const char *jobd_program, *tally_program, *directory;
static char socket_path[200], tally_path[200];
static int journal_fd;
static atomic_bool over;

/* ---- small things ---- */

/* splitmix64 */
static uint64_t
next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int
below(uint64_t *state, int n)
{
	return (int)(next(state) % (uint64_t)n);
}

static void
pause_msec(int msec)
{
	const struct timespec t = { msec / 1000, (long)(msec % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
give_up(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "storm: ");
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* One write: lines of many threads do not mix. */
static void __attribute__((format(printf, 1, 2)))
journal(const char *format, ...)
{
	char line[128];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line) - 1, format, ap);
	va_end(ap);
	line[n++] = '\n';
	if (write(journal_fd, line, (size_t)n) != n)
		give_up("the journal cannot be written: %s", strerror(errno));
}

/* ---- a client ---- */

static void
reach(struct client *c)
{
	for (int i = 0; c->v.fd < 0 && !varlink_open(&c->v, socket_path); i++) {
		if (i > REACH_SECONDS * 200)
			give_up("jobd cannot be reached");
		pause_msec(5);
	}
}

/*
 * One call.  The parameters of the reply, the caller's; NULL: nobody knows what has become of it, or
 * jobd was about to stop.
 */
static cJSON *
call(struct client *c, const char *method, cJSON *parameters, char error[64])
{
	cJSON *reply;

	reach(c);
	c->calls++;
	reply = varlink_call(&c->v, method, parameters, error);
	if (reply == NULL || strcmp(error, "io.jobd.ShuttingDown") == 0) {
		c->broken++;
		varlink_close(&c->v);
		cJSON_Delete(reply);
		return NULL;
	}
	return reply;
}

static cJSON *
of_job(const char *name, long long id)
{
	cJSON *parameters = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(parameters, name);
	char text[24];

	snprintf(text, sizeof(text), "%lld", id);
	cJSON_AddItemToArray(list, cJSON_CreateString(text));
	return parameters;
}

/* How a job is asked for. */
struct wish {
	int		 lines;
	const char	*code;
	double		 in, every;	/* usec; 0: not */
	char		 key[32];
};

static cJSON *
add_parameters(const struct wish *w)
{
	cJSON *parameters = cJSON_CreateObject(), *jobs = cJSON_AddArrayToObject(parameters, "jobs");
	cJSON *job = cJSON_CreateObject(), *command, *argv;
	char lines[16];

	snprintf(lines, sizeof(lines), "%d", w->lines);
	cJSON_AddItemToArray(jobs, job);
	cJSON_AddStringToObject(job, "key", w->key);
	if (w->in > 0)
		cJSON_AddNumberToObject(job, "inUSec", w->in);
	if (w->every > 0)
		cJSON_AddNumberToObject(job, "everyUSec", w->every);
	command = cJSON_AddObjectToObject(job, "command");
	argv = cJSON_AddArrayToObject(command, "argv");
	cJSON_AddItemToArray(argv, cJSON_CreateString(tally_program));
	cJSON_AddItemToArray(argv, cJSON_CreateString(tally_path));
	cJSON_AddItemToArray(argv, cJSON_CreateString(lines));
	cJSON_AddItemToArray(argv, cJSON_CreateString(w->code));
	return parameters;
}

/*
 * Its id.  When the answer is lost it is asked again with the same key, which must not add it twice; or,
 * sometimes, that is left at that: 0.
 */
static long long
add(struct client *c, struct wish w, const char *word)
{
	long long id = 0;
	char error[64];
	cJSON *reply;

	snprintf(w.key, sizeof(w.key), "c%d-%d", c->number, ++c->keys);
	while (id == 0) {
		reply = call(c, "io.jobd.Add", add_parameters(&w), error);
		/* But what stays or comes again must be known, to be ended. */
		if (reply == NULL && strcmp(w.code, "stay") != 0 && w.every == 0 && below(&c->random, 4) == 0)
			return 0;
		if (reply == NULL)
			continue;
		if (error[0] != '\0')
			give_up("Add: %s", error);
		id = (long long)cJSON_GetNumberValue(cJSON_GetArrayItem(
		    cJSON_GetObjectItemCaseSensitive(reply, "ids"), 0));
		cJSON_Delete(reply);
	}
	journal("%s %lld", word, id);
	return id;
}

/* Write down each of the runs that the reply names; how many. */
static int
journal_runs(const char *word, const cJSON *reply)
{
	const cJSON *run, *list = cJSON_GetObjectItemCaseSensitive(reply, "runs");

	cJSON_ArrayForEach(run, list)
		journal("%s %s", word, cJSON_GetStringValue(run));
	return cJSON_GetArraySize(list);
}

/* A change of one job; insist: until it is acknowledged.  0: it was not; else 1, or how many runs it was of. */
static int
change(struct client *c, const char *method, const char *before, const char *after, long long id, bool insist)
{
	char error[64];
	cJSON *reply;
	int n = 0;

	journal("%s %lld", before, id);
	do
		reply = call(c, method, of_job("jobs", id), error);
	while (reply == NULL && insist);
	if (reply == NULL)
		return 0;
	if (error[0] == '\0' && (strcmp(after, "cancel") == 0 || strcmp(after, "trigger") == 0)) {
		n = journal_runs(after, reply);
	} else if (error[0] == '\0') {
		journal("%s %lld", after, id);
		n = 1;
	}
	cJSON_Delete(reply);
	return n;
}

static void
read_output(struct client *c)
{
	cJSON *parameters = cJSON_CreateObject(), *reply;
	char name[32];
	bool sent;

	snprintf(name, sizeof(name), "%lld", c->latest);
	cJSON_AddStringToObject(parameters, "run", name);
	reach(c);
	c->calls++;
	sent = varlink_send(&c->v, "io.jobd.Logs", parameters, true);
	reply = sent ? varlink_next(&c->v) : NULL;
	while (reply != NULL && c->v.continues) {
		cJSON_Delete(reply);
		reply = varlink_next(&c->v);
	}
	if (reply == NULL)
		varlink_close(&c->v);
	cJSON_Delete(reply);
}

/* A call whose answer is read, and that is all. */
static void
look(struct client *c, const char *method, cJSON *parameters)
{
	char error[64];

	cJSON_Delete(call(c, method, parameters, error));
}

static void
wait_a_little(struct client *c, long long id, const char *until, double usec)
{
	cJSON *parameters = of_job("jobs", id);

	cJSON_AddStringToObject(parameters, "until", until);
	cJSON_AddNumberToObject(parameters, "timeoutUSec", usec);
	look(c, "io.jobd.Wait", parameters);
}

/* One thing of all that clients do. */
static void
act(struct client *c)
{
	int what = below(&c->random, 100);
	long long id;

	if (what < 40) {
		id = add(c, (struct wish){ .lines = below(&c->random, 6),
		    .code = below(&c->random, 4) == 0 ? "3" : "0" }, "add");
		c->latest = id != 0 ? id : c->latest;
	} else if (what < 44 && c->stays_n < STAYS_MAX) {
		id = add(c, (struct wish){ .lines = 2, .code = "stay" }, "add");
		if (id != 0)
			c->stays[c->stays_n++] = id;
	} else if (what < 52 && c->stays_n > 0) {
		id = c->stays[c->stays_n - 1];
		wait_a_little(c, id, "started", 100000);
		/* What had not begun yet has to be asked again. */
		if (change(c, "io.jobd.Cancel", "canceling", "cancel", id, false) > 0)
			c->stays_n--;
	} else if (what < 54) {
		id = add(c, (struct wish){ .lines = 1, .code = "0", .in = 86400e6 }, "store");
		c->stored = id != 0 ? id : c->stored;
	} else if (what < 64 && c->stored != 0) {
		(void)change(c, "io.jobd.Trigger", "triggering", "trigger", c->stored, false);
	} else if (what < 70) {
		(void)change(c, "io.jobd.Pause", "pausing", "pause", c->repeats, false);
	} else if (what < 76) {
		(void)change(c, "io.jobd.Resume", "resuming", "resume", c->repeats, false);
	} else if (what < 80) {
		look(c, "io.jobd.List", NULL);
	} else if (what < 84) {
		look(c, "io.jobd.Runs", NULL);
	} else if (what < 92 && c->latest != 0) {
		wait_a_little(c, c->latest, "ended", 50000);
	} else if (what < 97 && c->latest != 0) {
		read_output(c);
	} else if (c->latest != 0) {
		(void)change(c, "io.jobd.Remove", "removing", "remove", c->latest, false);
		c->latest = 0;
	}
}

/* Has its run begun, and is over, in one way or another? */
static bool
has_ended(struct client *c, long long id)
{
	cJSON *parameters = of_job("jobs", id), *reply, *run;
	const char *state;
	char error[64];
	bool ended;

	cJSON_AddStringToObject(parameters, "until", "started");
	cJSON_AddNumberToObject(parameters, "timeoutUSec", 1e6);
	reply = call(c, "io.jobd.Wait", parameters, error);
	run = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(reply, "runs"), 0);
	state = member_text(run, "state");
	ended = run != NULL && strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
	cJSON_Delete(reply);
	return ended;
}

/* Nothing of this client's goes on or comes again. */
static void
settle(struct client *c)
{
	int i;

	(void)change(c, "io.jobd.Pause", "pausing", "pause", c->repeats, true);
	while (c->stays_n > 0) {
		c->stays_n--;
		for (i = 0; i < SETTLE_SECONDS && !has_ended(c, c->stays[c->stays_n]); i++) {
			if (change(c, "io.jobd.Cancel", "canceling", "cancel", c->stays[c->stays_n], true) > 0)
				break;
		}
		if (i == SETTLE_SECONDS)
			give_up("job %lld does not begin", c->stays[c->stays_n]);
	}
}

static void *
client_main(void *arg)
{
	struct client *c = arg;

	c->v.fd = -1;
	while (c->repeats == 0)
		c->repeats = add(c, (struct wish){ .lines = 1, .code = "0", .every = 1e6 }, "store");
	while (!over) {
		act(c);
		pause_msec(below(&c->random, THINK_MSEC_MAX));
	}
	settle(c);
	varlink_close(&c->v);
	return NULL;
}

/* ---- who kills, and starts again ---- */

static pid_t
start_jobd(void)
{
	char state[220], log[220], conf[220];
	pid_t pid;
	int fd;

	snprintf(state, sizeof(state), "%s/state", directory);
	snprintf(log, sizeof(log), "%s/log", directory);
	snprintf(conf, sizeof(conf), "%s/conf", directory);
	pid = fork();
	if (pid < 0)
		give_up("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	close(fd);
	setsid();
	execl(jobd_program, jobd_program, "--config", conf, "--socket", socket_path, "--state-dir", state,
	    (char *)NULL);
	_exit(127);
}

static void
kill_jobd(pid_t *pid)
{
	int status;

	kill(*pid, SIGKILL);
	if (waitpid(*pid, &status, 0) != *pid || !WIFSIGNALED(status))
		give_up("jobd ended by itself (status %d): see %s/log", status, directory);
	*pid = 0;
}

/* Whoever has the lock now; false: nobody has ever had it. */
static bool
kill_runner(void)
{
	char path[240];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/state/runner/lock", directory);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return pid > 1 && kill(pid, SIGKILL) == 0;
}

/* The storm itself; at its end jobd lives: its pid. */
static pid_t
rage(uint64_t random, int seconds, int victims, int kills[2])
{
	struct timespec now;
	time_t end;
	pid_t jobd = start_jobd();
	int victim;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + seconds;
	while (now.tv_sec < end) {
		pause_msec(below(&random, 1 + below(&random, QUIET_MSEC_MAX)));
		victim = victims == 3 ? 1 + below(&random, 3) : victims;
		if (victim & 1) {
			kill_jobd(&jobd);
			kills[0]++;
		}
		if (victim & 2)
			kills[1] += kill_runner();
		/* At once, or a little later, so that commands end while nobody is there. */
		if (jobd == 0) {
			pause_msec(below(&random, 40));
			jobd = start_jobd();
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	over = true;
	return jobd;
}

static void
write_pid(pid_t pid)
{
	char path[220];
	FILE *f;

	snprintf(path, sizeof(path), "%s/pid", directory);
	f = fopen(path, "w");
	if (f == NULL || fprintf(f, "%d\n", (int)pid) < 0 || fclose(f) != 0)
		give_up("%s: %s", path, strerror(errno));
}

/* ---- the program ---- */

struct options {
	int		 victims;	/* 1: jobd, 3: its runner too, 0: nobody */
	uint64_t	 seed;
	int		 seconds, clients;
};

/* Where the words after the options begin; 0: they are wrong. */
static int
read_options(struct options *o, int argc, char **argv)
{
	int i;

	*o = (struct options){ .victims = 1, .seed = 1, .seconds = 5, .clients = 32 };
	for (i = 1; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--runner") == 0)
			o->victims = 3;
		else if (strcmp(argv[i], "--calm") == 0)
			o->victims = 0;
		else if (i + 1 == argc)
			return 0;
		else if (strcmp(argv[i], "--seed") == 0)
			o->seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seconds") == 0)
			o->seconds = atoi(argv[++i]);
		else if (strcmp(argv[i], "--clients") == 0)
			o->clients = atoi(argv[++i]);
		else
			return 0;
	}
	return argc - i == 3 && o->clients > 0 && o->clients <= CLIENTS_MAX ? i : 0;
}

static void
prepare(char **words)
{
	char path[220];
	FILE *config;

	jobd_program = words[0];
	tally_program = words[1];
	directory = words[2];
	snprintf(socket_path, sizeof(socket_path), "%s/s", directory);
	snprintf(tally_path, sizeof(tally_path), "%s/tally", directory);
	snprintf(path, sizeof(path), "%s/journal", directory);
	journal_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (journal_fd < 0)
		give_up("%s: %s", path, strerror(errno));
	/* As many slots as clients: with fewer, what is killed would wait in the queue. */
	snprintf(path, sizeof(path), "%s/conf", directory);
	config = fopen(path, "we");
	if (config == NULL || fputs("[limits]\ndefault_slots = 1024\n", config) < 0 || fclose(config) != 0)
		give_up("%s: %s", path, strerror(errno));
}

int
main(int argc, char **argv)
{
	static struct client clients[CLIENTS_MAX];
	long long calls = 0, broken = 0;
	int at, kills[2] = { 0, 0 };
	struct options o;
	uint64_t random;

	at = read_options(&o, argc, argv);
	if (at == 0) {
		fprintf(stderr, "usage: storm [--calm | --runner] [--seed N] [--seconds N] [--clients N]"
		    " JOBD TALLY DIR\n");
		return 2;
	}
	prepare(argv + at);
	random = o.seed;
	for (int i = 0; i < o.clients; i++) {
		clients[i].number = i;
		clients[i].random = next(&random);
		if (pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) != 0)
			give_up("no thread for client %d", i);
	}
	write_pid(rage(next(&random), o.seconds, o.victims, kills));
	for (int i = 0; i < o.clients; i++) {
		(void)pthread_join(clients[i].thread, NULL);
		calls += clients[i].calls;
		broken += clients[i].broken;
	}
	printf("storm seed=%llu clients=%d calls=%lld lost=%lld killed: jobd %d times, runner %d times\n",
	    (unsigned long long)o.seed, o.clients, calls, broken, kills[0], kills[1]);
	return 0;
}
