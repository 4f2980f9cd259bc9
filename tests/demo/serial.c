/*
 * serial SECONDS...: the article's beginning: waits, one after the other.
 */
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		usleep((useconds_t)(atof(argv[i]) * 1e6));
	return 0;
}
