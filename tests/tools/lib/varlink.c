/*
 * varlink: see varlink.h.
 */
#include "tests/tools/lib/varlink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 << 10)

bool
varlink_open(struct varlink *v, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*v = (struct varlink){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (v->fd < 0)
		return false;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(v->fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return true;
	varlink_close(v);
	return false;
}

void
varlink_close(struct varlink *v)
{
	if (v->fd >= 0)
		close(v->fd);
	free(v->in);
	*v = (struct varlink){ .fd = -1 };
}

static bool
send_all(int fd, const char *text, size_t n)
{
	ssize_t k;

	while (n > 0) {
		k = send(fd, text, n, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return false;
		text += k;
		n -= (size_t)k;
	}
	return true;
}

bool
varlink_send(struct varlink *v, const char *method, cJSON *parameters, bool more)
{
	cJSON *call = cJSON_CreateObject();
	char *text;
	bool sent;

	cJSON_AddStringToObject(call, "method", method);
	if (parameters != NULL)
		cJSON_AddItemToObject(call, "parameters", parameters);
	if (more)
		cJSON_AddTrueToObject(call, "more");
	text = cJSON_PrintUnformatted(call);
	sent = v->fd >= 0 && send_all(v->fd, text, strlen(text) + 1);
	free(text);
	cJSON_Delete(call);
	v->continues = more;
	return sent;
}

/* Read until a whole message is there; its length, or 0: the connection is lost. */
static size_t
read_message(struct varlink *v)
{
	size_t looked = 0;
	char *end;
	ssize_t k;

	for (;;) {
		end = v->n > looked ? memchr(v->in + looked, '\0', v->n - looked) : NULL;
		if (end != NULL)
			return (size_t)(end - v->in) + 1;
		looked = v->n;
		if (v->room - v->n < READ_BYTES) {
			v->room = v->room * 2 + READ_BYTES;
			v->in = realloc(v->in, v->room);
			if (v->in == NULL)
				abort();
		}
		k = read(v->fd, v->in + v->n, v->room - v->n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return 0;
		v->n += (size_t)k;
	}
}

cJSON *
varlink_next(struct varlink *v)
{
	size_t n = v->fd >= 0 ? read_message(v) : 0;
	cJSON *reply;

	if (n == 0)
		return NULL;
	reply = cJSON_Parse(v->in);
	v->n -= n;
	memmove(v->in, v->in + n, v->n);
	v->continues = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "continues"));
	return reply;
}

cJSON *
varlink_call(struct varlink *v, const char *method, cJSON *parameters, char error[64])
{
	cJSON *reply, *out;

	error[0] = '\0';
	reply = varlink_send(v, method, parameters, false) ? varlink_next(v) : NULL;
	if (reply == NULL)
		return NULL;
	snprintf(error, 64, "%s", member_text(reply, "error"));
	out = cJSON_DetachItemFromObjectCaseSensitive(reply, "parameters");
	cJSON_Delete(reply);
	return out != NULL ? out : cJSON_CreateObject();
}

const char *
member_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text != NULL ? text : "";
}

long long
member_number(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(value) ? (long long)value->valuedouble : 0;
}
