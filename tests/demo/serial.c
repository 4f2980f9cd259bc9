/*
 * serial: the article's beginning: three waits of 1, 2 and 3 s, one after the other.
 */
#include <unistd.h>

int
main(void)
{
	sleep(1);
	sleep(2);
	sleep(3);
	return 0;
}
