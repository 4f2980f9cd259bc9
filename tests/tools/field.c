/*
 * field PATH: read one JSON value from standard input and print a member of it: job.lastRun.state,
 * jobs.0.id, jobs.#  (how many).  Strings are printed bare.  Exit 1 when there is no such member.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is held ends with the process; the leak sanitizer need not be told of it. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

int
main(int argc, char **argv)
{
	static char text[4 << 20];
	size_t n = fread(text, 1, sizeof(text) - 1, stdin);
	cJSON *v;
	char *part, *printed;

	if (argc != 2)
		return 2;
	text[n] = '\0';
	v = cJSON_Parse(text);
	for (part = strtok(argv[1], "."); part != NULL && v != NULL; part = strtok(NULL, ".")) {
		if (strcmp(part, "#") == 0)
			v = cJSON_CreateNumber(cJSON_GetArraySize(v));
		else if (cJSON_IsArray(v))
			v = cJSON_GetArrayItem(v, atoi(part));
		else
			v = cJSON_GetObjectItemCaseSensitive(v, part);
	}
	if (v == NULL)
		return 1;
	if (cJSON_IsString(v)) {
		puts(v->valuestring);
		return 0;
	}
	printed = cJSON_PrintUnformatted(v);
	puts(printed);
	return 0;
}
