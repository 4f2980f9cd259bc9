/*
 * service: finds the method, reads its parameters by its table, starts the call as a child of
 * its connection; writes the replies; serves org.varlink.service; accepts.
 *
 * A peer can make a method fail, or have its connection closed; it can do no more
 * harm here: whatever it sends is either a call with parameters that the table allows,
 * or is answered or dropped before a method sees it.
 */
#include "daemon/wire/service.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/engine/flight.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/watch.h"
#include "daemon/wire/conn.h"
#include "proto/json.h"
#include "proto/mem.h"

/* Connections accepted in one step, so that a crowd at the door does not hold up those inside. */
#define ACCEPT_BATCH	16

/* Without descriptors to spare, the door stays closed for so long. */
#define ACCEPT_PAUSE	USEC_SEC

/* From so many connections on it is a crowd, after which memory is given back to the system. */
#define CROWD_LEAST	16

static const char service_interface[] = "org.varlink.service";

static const char service_description[] =
	"# The Varlink Service Interface is provided by every varlink service. It\n"
	"# describes the service and the interfaces it implements.\n"
	"interface org.varlink.service\n"
	"\n"
	"# Get a list of all the interfaces a service provides and information\n"
	"# about the implementation.\n"
	"method GetInfo() -> (\n"
	"\tvendor: string,\n"
	"\tproduct: string,\n"
	"\tversion: string,\n"
	"\turl: string,\n"
	"\tinterfaces: []string\n"
	")\n"
	"\n"
	"# Get the description of an interface that is implemented by this service.\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"# The requested interface was not found.\n"
	"error InterfaceNotFound (interface: string)\n"
	"\n"
	"# The requested method was not found\n"
	"error MethodNotFound (method: string)\n"
	"\n"
	"# The interface defines the requested method, but the service does not\n"
	"# implement it.\n"
	"error MethodNotImplemented (method: string)\n"
	"\n"
	"# One of the passed parameters is invalid.\n"
	"error InvalidParameter (parameter: string)\n"
	"\n"
	"# Client is denied access\n"
	"error PermissionDenied ()\n"
	"\n"
	"# Method is expected to be called with 'more' set to true, but wasn't\n"
	"error ExpectedMore ()\n";

/* ---- the service ---- */

struct service *
service_new(const struct service_config *config)
{
	struct service *s = xcalloc(1, sizeof(*s));

	s->config = *config;
	service_set_limits(s, config->connections_max, config->connections_uid_max);
	return s;
}

void
service_set_limits(struct service *s, int64_t connections_max, int64_t connections_uid_max)
{
	s->config.connections_max = connections_max > 0 ? connections_max : CONNECTIONS_MAX;
	s->config.connections_uid_max = connections_uid_max > 0 ? connections_uid_max : CONNECTIONS_UID_MAX;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	MUST(s->stats.connections == 0);
	MUST(s->unsent == 0);
	map_done(&s->uids);
	free(s);
}

void
service_shut_down(struct service *s)
{
	s->shut_down = true;
}

void
service_stats(const struct service *s, struct service_stats *out)
{
	*out = s->stats;
}

/* ---- who is inside ---- */

static int64_t
uid_key(uid_t uid)
{
	return (int64_t)uid + 1;
}

struct user *
service_user(const struct service *s, uid_t uid)
{
	return map_get(&s->uids, uid_key(uid));
}

/* The limit that keeps this peer out, or NULL.  *why says how. */
static const char *
service_refuses(const struct service *s, uid_t uid, enum jobd_error *why)
{
	const struct user *user = service_user(s, uid);

	*why = JOBD_LIMIT_REACHED;
	if (s->stats.connections >= s->config.connections_max)
		return "connections";
	if (uid != 0 && user != NULL && user->connections >= s->config.connections_uid_max)
		return "connections of one user";
	*why = JOBD_PERMISSION_DENIED;
	return s->config.admit == NULL || s->config.admit(s->config.context, uid) ? NULL : "";
}

/* Say why, if the socket takes it at once, and close. */
static void
turn_away(int fd, enum jobd_error why, const char *limit)
{
	struct buf text = { 0 };

	message_error_write(&text, why, limit, NULL);
	(void)!send(fd, buf_bytes(&text), buf_len(&text), MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_done(&text);
	close(fd);
}

static void
service_enter(struct service *s, uid_t uid)
{
	struct user *user = service_user(s, uid);

	if (user == NULL) {
		user = xcalloc(1, sizeof(*user));
		map_set(&s->uids, uid_key(uid), user);
	}
	user->connections++;
	s->stats.connections++;
	if (s->crowd < s->stats.connections)
		s->crowd = s->stats.connections;
}

/*
 * What a crowd's buffers have left behind lies between what stays, and malloc(3) keeps it: give
 * it back whenever three of four have gone, until all have.  So it is done a few times a
 * crowd, however large, and never as long as few come and go.
 */
static void
crowd_goes(struct service *s)
{
	s->crowded |= s->crowd >= CROWD_LEAST;
	if (!s->crowded || s->stats.connections > s->crowd / 4)
		return;
	s->crowd = s->stats.connections;
	s->crowded = s->crowd > 0;
	s->stats.trims++;
	(void)malloc_trim(0);
}

void
service_leave(struct service *s, uid_t uid)
{
	struct user *user = service_user(s, uid);

	MUST(s->stats.connections > 0 && user->connections > 0);
	s->stats.connections--;
	if (--user->connections == 0) {
		MUST(user->unsent == 0);
		map_remove(&s->uids, uid_key(uid));
		free(user);
	}
	crowd_goes(s);
}

void
service_connect(struct service *s, int fd, struct task *parent)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	enum jobd_error why = JOBD_PERMISSION_DENIED;
	const char *limit = "";
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
		limit = service_refuses(s, peer.uid, &why);
	if (limit != NULL) {
		s->stats.refused++;
		turn_away(fd, why, limit);
		return;
	}
	service_enter(s, peer.uid);
	r = conn_start(s, fd, &peer, parent);
	if (r < 0) {
		service_leave(s, peer.uid);
		s->stats.refused++;
		log_warning("a connection could not be served, closing it uid=%u error=%s",
		    (unsigned)peer.uid, strerror(-r));
		return;
	}
	s->stats.accepted++;
}

/* ---- the door ---- */

struct door {
	struct task	 task;
	struct service	*service;
	struct watch	 watch;
	int		 fd;
	bool		 short_of;	/* the last accept failed for want of something */
};

/* Let in a batch.  False: nobody waits any more, or nobody can be let in now. */
static bool
door_accept(struct door *d)
{
	int fd;

	d->short_of = false;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		fd = accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			service_connect(d->service, fd, &d->task);
			continue;
		}
		if (errno == EAGAIN) {
			d->watch.readable = false;
			return false;
		}
		/*
		 * One that went away while it waited (ECONNABORTED and the like) is no fault of
		 * ours.
		 */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warning("cannot accept a connection, waiting a second error=%s",
			    strerror(errno));
			d->short_of = true;
			return false;
		}
	}
	return true;
}

static enum task_status
door_step(struct task *t)
{
	struct door *d = container_of(t, struct door, task);

	TASK_BEGIN(t);

	for (;;) {
		AWAIT(t, d->watch.readable);
		if (t->err != 0 || t->cancelled)
			break;
		if (door_accept(d))
			TASK_YIELD(t);
		if (d->short_of)
			SLEEP_UNTIL(t, loop_now(t->loop) + ACCEPT_PAUSE);
	}
	watch_stop(&d->watch);
	close(d->fd);
	TASK_END(t, 0);
}

static void
door_release(struct task *t)
{
	free(container_of(t, struct door, task));
}

static_assert(offsetof(struct door, task) == 0, "it is found by its task");

static void
door_describe(const struct task *t, char *out, size_t n)
{
	const struct door *d = (const void *)t;

	snprintf(out, n, "%s", d->short_of ? "a descriptor to spare" : "a connection");
}

static const struct task_kind door_kind = {
	.name = "listener",
	.step = door_step,
	.release = door_release,
	.describe = door_describe,
};

void
service_listen(struct service *s, int fd, struct task *parent)
{
	struct door *d = xcalloc(1, sizeof(*d));
	int r;

	d->service = s;
	d->fd = fd;
	r = watch_start(&d->watch, parent->loop, fd, WATCH_READ, &d->task);
	if (r < 0) {
		log_error("cannot watch the listening socket error=%s", strerror(-r));
		close(fd);
		free(d);
		return;
	}
	/* Somebody may be waiting since before us. */
	d->watch.readable = true;
	task_start(&d->task, &door_kind, parent);
}

/* ---- replies ---- */

void
conn_count_unsent(struct conn *c)
{
	size_t unsent = buf_len(&c->stream.out);

	c->service->unsent += unsent - c->unsent;
	c->user->unsent += unsent - c->unsent;
	c->unsent = unsent;
}

/* Is more unsent than there should be, of all or of this peer's user? */
static bool
conn_crowded(const struct conn *c)
{
	return c->service->unsent > UNSENT_MAX || (c->uid != 0 && c->user->unsent > UNSENT_UID_MAX);
}

/* The bytes that were put into out since it had n count as written. */
static void
conn_wrote(struct conn *c, size_t before)
{
	c->written += buf_len(&c->stream.out) - before;
	conn_count_unsent(c);
}

/* As if they had never been there. */
static void
conn_take_back(struct conn *c, size_t before)
{
	c->written -= buf_len(&c->stream.out) - before;
	buf_cut(&c->stream.out, before);
	conn_count_unsent(c);
}

static void
conn_reply(struct conn *c, const struct cJSON *parameters, bool continues)
{
	size_t before = buf_len(&c->stream.out);

	fault_point(FAULT_REPLY_BEFORE_WRITE);
	message_reply_write(&c->stream.out, parameters, continues);
	conn_wrote(c, before);
}

static void
conn_error(struct conn *c, enum jobd_error e, const char *a, const char *b)
{
	size_t before = buf_len(&c->stream.out);

	c->service->stats.errors++;
	message_error_write(&c->stream.out, e, a, b);
	conn_wrote(c, before);
}

void
call_reply(struct call *c, struct cJSON *parameters)
{
	size_t before = buf_len(&c->conn->stream.out);

	MUST(!c->answered);
	c->answered = true;
	if (!c->oneway)
		conn_reply(c->conn, parameters, false);
	json_free(parameters);
	if (!c->oneway && (c->method->flags & METHOD_BULKY) && conn_crowded(c->conn)) {
		conn_take_back(c->conn, before);
		conn_error(c->conn, JOBD_LIMIT_REACHED, "unsent replies", NULL);
	}
}

void
call_reply_more(struct call *c, struct cJSON *parameters)
{
	MUST(!c->answered && c->more);
	conn_reply(c->conn, parameters, true);
	json_free(parameters);
	c->conn->flush_wanted = true;
	task_wake(&c->conn->task);
}

void
call_fail(struct call *c, enum jobd_error e, const char *a, const char *b)
{
	MUST(!c->answered);
	c->answered = true;
	if (!c->oneway)
		conn_error(c->conn, e, a, b);
}

bool
call_can_write(const struct call *c)
{
	size_t unsent = buf_len(&c->conn->stream.out);

	/* In a crowd one message at a time: whoever reads goes on. */
	return unsent == 0 || (unsent < CONN_OUT_MAX && !conn_crowded(c->conn));
}

void *
call_context(const struct call *c)
{
	return c->service->config.context;
}

static void
call_free(struct call *c)
{
	if (c->in != NULL) {
		fields_done(c->method->in, c->in);
		free(c->in);
	}
	free(c);
}

void
call_release(struct task *t)
{
	struct call *c = container_of(t, struct call, task);

	/* Only a cancelled call may leave its peer without an answer. */
	MUST(IMPLIES(!c->answered, t->cancelled));
	if (!c->answered)
		call_fail(c, JOBD_SHUTTING_DOWN, NULL, NULL);
	MUST(c->conn->call == c);
	c->conn->call = NULL;
	call_free(c);
}

/* ---- org.varlink.service ---- */

struct describe_in {
	char *interface;
};

static const struct field describe_fields[] = {
	{ "interface", FIELD_STRING, offsetof(struct describe_in, interface),
	    .flags = FIELD_REQUIRED },
	{ .type = FIELD_END },
};

static const struct field no_fields[] = {
	{ .type = FIELD_END },
};

static struct cJSON *
info_reply(const struct service_config *config)
{
	struct cJSON *reply = json_object(), *interfaces = json_array();
	bool ours_first = strcmp(config->interface, service_interface) < 0;

	json_push(interfaces, json_string(ours_first ? config->interface : service_interface));
	json_push(interfaces, json_string(ours_first ? service_interface : config->interface));
	json_set_string(reply, "vendor", config->vendor);
	json_set_string(reply, "product", config->product);
	json_set_string(reply, "version", config->version);
	json_set_string(reply, "url", config->url);
	json_set(reply, "interfaces", interfaces);
	return reply;
}

/* An answer that is known at once: parameters, which are taken over, or an error. */
static void
answer(struct conn *c, const struct message_call *call, struct cJSON *parameters)
{
	if (!call->oneway)
		conn_reply(c, parameters, false);
	json_free(parameters);
}

static void
refuse(struct conn *c, const struct message_call *call, enum jobd_error e, const char *a,
    const char *b)
{
	if (!call->oneway)
		conn_error(c, e, a, b);
}

static void
refuse_field(struct conn *c, const struct message_call *call, const struct field_error *error)
{
	refuse(c, call, error->why, error->path, error->reason);
}

static void
get_info(struct conn *c, const struct message_call *call)
{
	struct field_error error;

	if (fields_read(call->parameters, no_fields, NULL, &error) != JOBD_OK)
		refuse_field(c, call, &error);
	else
		answer(c, call, info_reply(&c->service->config));
}

static void
get_interface_description(struct conn *c, const struct message_call *call)
{
	const struct service_config *config = &c->service->config;
	struct describe_in in = { NULL };
	struct field_error error;
	struct cJSON *reply;
	const char *text = NULL;

	if (fields_read(call->parameters, describe_fields, &in, &error) != JOBD_OK) {
		refuse_field(c, call, &error);
		return;
	}
	if (strcmp(in.interface, service_interface) == 0)
		text = service_description;
	else if (strcmp(in.interface, config->interface) == 0)
		text = config->description;
	if (text == NULL) {
		refuse(c, call, JOBD_INTERFACE_NOT_FOUND, in.interface, NULL);
	} else {
		reply = json_object();
		json_set_string(reply, "description", text);
		answer(c, call, reply);
	}
	fields_done(describe_fields, &in);
}

/* ---- calls ---- */

static const struct method *
method_find(const struct service *s, const char *name)
{
	for (const struct method *m = s->config.methods; m->name != NULL; m++) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

/* What forbids this call before its parameters are looked at; JOBD_OK: nothing. */
static enum jobd_error
method_refuses(const struct conn *c, const struct method *m, const struct message_call *call)
{
	if (c->service->shut_down && !(m->flags & METHOD_LAST))
		return JOBD_SHUTTING_DOWN;
	if ((m->flags & METHOD_PRIVILEGED) && c->uid != 0 && c->uid != geteuid())
		return JOBD_PERMISSION_DENIED;
	if ((m->flags & METHOD_MORE_ONLY) && !call->more)
		return JOBD_EXPECTED_MORE;
	return JOBD_OK;
}

static void
method_start(struct conn *c, const struct method *m, const struct message_call *call)
{
	struct field_error error;
	enum jobd_error e = method_refuses(c, m, call);
	enum jobd_error (*read)(const struct cJSON *, const struct field *, void *,
	    struct field_error *) = c->service->config.lax ? fields_read_lax : fields_read;
	struct call *f;
	void *in = NULL;

	if (e != JOBD_OK) {
		refuse(c, call, e, NULL, NULL);
		return;
	}
	if (m->in_size > 0)
		in = xcalloc(1, m->in_size);
	if (read(call->parameters, m->in != NULL ? m->in : no_fields, in, &error) != JOBD_OK) {
		free(in);
		refuse_field(c, call, &error);
		return;
	}
	MUST(m->frame_size >= sizeof(*f));
	f = xcalloc(1, m->frame_size);
	flight_note(c->task.loop, FLIGHT_INPUTS, FLIGHT_CALL, 0, flight_kind(m->kind), (int64_t)c->uid, 0);
	task_start(&f->task, m->kind, &c->task);
	f->conn = c;
	f->service = c->service;
	f->method = m;
	f->in = in;
	f->uid = c->uid;
	f->pid = c->pid;
	f->more = call->more && (m->flags & (METHOD_MORE | METHOD_MORE_ONLY));
	f->oneway = call->oneway;
	c->call = f;
	c->service->stats.streams += f->more;
}

void
service_call(struct conn *c, const char *text, size_t length)
{
	struct message_call call;
	const struct method *m;
	const char *why;

	if (message_call_parse(text, length, &call, &why) < 0) {
		log_debug("a message was no call, closing the connection uid=%u why=\"%s\"",
		    (unsigned)c->uid, why);
		c->drop = true;
		return;
	}
	c->service->stats.calls++;
	m = method_find(c->service, call.method);
	if (call.upgrade)
		/* nothing here becomes another protocol; a reply would say that it did */
		c->drop = true;
	else if (m != NULL)
		method_start(c, m, &call);
	else if (strcmp(call.method, "org.varlink.service.GetInfo") == 0)
		get_info(c, &call);
	else if (strcmp(call.method, "org.varlink.service.GetInterfaceDescription") == 0)
		get_interface_description(c, &call);
	else
		refuse(c, &call, JOBD_METHOD_NOT_FOUND, call.method, NULL);
	message_call_done(&call);
}
