/*
 * reload: Reload: the configuration is read again; what can be changed while jobd runs is changed at once.
 */
#include "daemon/server/method.h"
#include "proto/json.h"

void
settings_change_done(struct settings_change *change)
{
	strings_done(&change->applied);
	strings_done(&change->reexec);
	strings_done(&change->restart);
	strings_done(&change->mistakes);
}

static void
set_names(struct cJSON *to, const char *name, const struct strings *names)
{
	struct cJSON *array = json_array();

	for (size_t i = 0; i < names->n; i++)
		json_push(array, json_string(names->items[i]));
	json_set(to, name, array);
}

static void
answer(struct call *c, const struct settings_change *change)
{
	struct cJSON *reply = json_object();
	struct buf text = { 0 };

	for (size_t i = 0; i < change->mistakes.n; i++)
		buf_printf(&text, "%s%s", i > 0 ? "; " : "", change->mistakes.items[i]);
	set_names(reply, "applied", &change->applied);
	set_names(reply, "reexec", &change->reexec);
	set_names(reply, "restart", &change->restart);
	if (change->mistakes.n > 0) {
		call_fail(c, JOBD_CONFLICT, buf_string(&text), NULL);
		json_free(reply);
	} else {
		call_reply(c, reply);
	}
	buf_done(&text);
}

static enum task_status
reload_step(struct task *t)
{
	struct call *c = container_of(t, struct call, task);
	struct server *s = server_of(c);
	struct settings_change change = { .applied = { 0 } };

	TASK_BEGIN(t);
	if (s->reload != NULL)
		s->reload(s->context, &change);
	answer(c, &change);
	settings_change_done(&change);
	TASK_END(t, 0);
}

static const struct task_kind reload_kind = { .name = "Reload", .step = reload_step, .release = call_release };

const struct method method_reload = {
	.name = "io.jobd.Reload",
	.flags = METHOD_PRIVILEGED,
	.frame_size = sizeof(struct call),
	.kind = &reload_kind,
};
