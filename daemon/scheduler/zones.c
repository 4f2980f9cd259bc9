/*
 * zones: see zones.h.  A zone that was replaced is kept: schedules may still point at it, and
 * tzdata changes a few times a year.
 */
#include "daemon/scheduler/zones.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/mem.h"

#define LOCALTIME	"/etc/localtime"
#define ZONEINFO	"/zoneinfo/"

struct known {
	struct known	*next;
	struct zone	*zone;
	bool		 retired;	/* another one has its name now */
};

struct zones {
	char		*directory;
	struct known	*first;
	char		 host[PATH_MAX];
};

struct zones *
zones_new(const char *directory)
{
	struct zones *z = xcalloc(1, sizeof(*z));

	z->directory = directory == NULL ? NULL : xstrdup(directory);
	return z;
}

void
zones_free(struct zones *z)
{
	struct known *k;

	if (z == NULL)
		return;
	while ((k = z->first) != NULL) {
		z->first = k->next;
		zone_free(k->zone);
		free(k);
	}
	free(z->directory);
	free(z);
}

const char *
zones_host(struct zones *z)
{
	const char *tz = getenv("TZ"), *name;
	char link[PATH_MAX];
	ssize_t n;

	(void)strcpy(z->host, "UTC");
	if (tz != NULL && tz[0] == ':')
		tz++;
	if (tz != NULL && tz[0] != '\0' && tz[0] != '/' && strlen(tz) < sizeof(z->host)) {
		(void)strcpy(z->host, tz);
		return z->host;
	}
	n = readlink(LOCALTIME, link, sizeof(link) - 1);
	if (n < 0)
		return z->host;
	link[n] = '\0';
	name = strstr(link, ZONEINFO);
	if (name != NULL)
		(void)strcpy(z->host, name + strlen(ZONEINFO));
	return z->host;
}

static void
zones_keep(struct zones *z, struct zone *zone)
{
	struct known *k = xcalloc(1, sizeof(*k));

	k->zone = zone;
	k->next = z->first;
	z->first = k;
}

const struct zone *
zones_find(struct zones *z, const char *name, char error[ZONE_ERROR_MAX])
{
	struct zone *zone;

	if (name == NULL)
		name = zones_host(z);
	for (const struct known *k = z->first; k != NULL; k = k->next) {
		if (!k->retired && strcmp(zone_name(k->zone), name) == 0)
			return k->zone;
	}
	zone = zone_load(z->directory, name, error);
	if (zone != NULL)
		zones_keep(z, zone);
	return zone;
}

bool
zones_refresh(struct zones *z)
{
	char error[ZONE_ERROR_MAX];
	bool any = false;
	struct zone *fresh;

	for (struct known *k = z->first; k != NULL; k = k->next) {
		if (k->retired || zone_stale(k->zone) != 1)
			continue;
		/* Half written, or bad: the old rules are better than none; looked at again. */
		fresh = zone_load(z->directory, zone_name(k->zone), error);
		if (fresh == NULL)
			continue;
		k->retired = any = true;
		zones_keep(z, fresh);
	}
	return any;
}
