/*
 * sql FILE STATEMENT: one statement on a database that nobody has open, its rows as lines with | between columns.
 */
#include <sqlite3.h>
#include <stdio.h>

static int
print_row(void *nothing, int n, char **values, char **names)
{
	(void)nothing;
	(void)names;
	for (int i = 0; i < n; i++)
		printf("%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "");
	putchar('\n');
	return 0;
}

int
main(int argc, char **argv)
{
	char *error = NULL;
	sqlite3 *db;
	int r;

	if (argc != 3)
		return 2;
	r = sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, argv[2], print_row, NULL, &error);
	if (r != SQLITE_OK)
		fprintf(stderr, "sql: %s\n", error != NULL ? error : sqlite3_errmsg(db));
	sqlite3_free(error);
	sqlite3_close(db);
	return r != SQLITE_OK;
}
