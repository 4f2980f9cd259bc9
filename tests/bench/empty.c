/*
 * empty: a program that links what jobd links, touches each library once, and waits: the floor that the
 * daemon's resident memory is measured against.
 */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <ini.h>
#include <sqlite3.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

int
main(void)
{
	sqlite3 *db;
	struct event_base *base = event_base_new();

	if (base == NULL || sqlite3_open(":memory:", &db) != SQLITE_OK)
		return 1;
	/* Referred to, so that the linker keeps them. */
	fprintf(stderr, "%s %s %d %p %p\n", cJSON_Version(), curl_version(), sd_booted(), (void *)(size_t)evdns_base_new,
	    (void *)(size_t)ini_parse);
	pause();
	return 0;
}
