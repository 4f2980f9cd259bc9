/*
 * finding: see finding.h.
 */
#include "daemon/engine/finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/engine/loop-internal.h"
#include "proto/mem.h"

struct findings {
	unsigned	n;		/* so far; the latest is at (n - 1) % FINDINGS_KEPT */
	struct finding	ring[FINDINGS_KEPT];
};

const char *
finding_name(enum finding_what what)
{
	static const char *const names[] = {
#define X(id, name) name,
		FINDINGS(X)
#undef X
	};

	return names[what];
}

const struct finding *
finding_get(const struct loop *l, unsigned n)
{
	const struct findings *f = l->findings;

	if (f == NULL || n >= f->n || n >= FINDINGS_KEPT)
		return NULL;
	return &f->ring[(f->n - 1 - n) % FINDINGS_KEPT];
}

static bool
known(const struct loop *l, enum finding_what what, const char *task, usec_t again)
{
	const struct finding *f;

	for (unsigned n = 0; (f = finding_get(l, n)) != NULL; n++) {
		if (f->what == what && f->task == task && loop_wall(l).usec - f->at.usec < again)
			return true;
	}
	return false;
}

void
finding_add(struct loop *l, enum finding_what what, const char *task, const char *serves,
    const void *where, usec_t again, const char *text)
{
	struct finding *f;

	if (known(l, what, task, again))
		return;
	if (l->findings == NULL)
		l->findings = xcalloc(1, sizeof(*l->findings));
	f = &l->findings->ring[l->findings->n++ % FINDINGS_KEPT];
	*f = (struct finding){ .what = what, .at = loop_wall(l), .task = task, .where = where };
	(void)snprintf(f->serves, sizeof(f->serves), "%s", serves != NULL ? serves : "");
	(void)snprintf(f->text, sizeof(f->text), "%s", text);
	log_warning("%s", f->text);
}

void
findings_free(struct loop *l)
{
	free(l->findings);
	l->findings = NULL;
}
