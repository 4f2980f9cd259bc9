/*
 * suggest: see suggest.h.
 */
#include "proto/suggest.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define SUGGEST_BYTES_MAX 40

/* Edit distance where swapped neighbours count as one, the commonest typing error. */
static int
edit_distance(const char *a, const char *b)
{
	int row[3][SUGGEST_BYTES_MAX + 1];
	int la = (int)strlen(a), lb = (int)strlen(b);
	int i, j, best;

	if (la > SUGGEST_BYTES_MAX || lb > SUGGEST_BYTES_MAX)
		return INT_MAX;
	for (j = 0; j <= lb; j++)
		row[0][j] = j;
	for (i = 1; i <= la; i++) {
		int *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];

		now[0] = i;
		for (j = 1; j <= lb; j++) {
			best = before[j - 1] + (a[i - 1] != b[j - 1]);
			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    earlier[j - 2] + 1 < best)
				best = earlier[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

const char *
suggest(const char *word, const char *const *candidates)
{
	const char *best = NULL;
	int least = INT_MAX;
	size_t len = strlen(word);

	for (; *candidates; candidates++) {
		int d = edit_distance(word, *candidates);
		bool closer;

		/* A beginning was meant as an abbreviation, however long the rest is. */
		if (len >= 2 && strncmp(word, *candidates, len) == 0)
			d = 1;
		/* A letter is sooner left out than one too many typed: lgs is logs, not ls. */
		closer = d < least ||
		    (best != NULL && d == least && strlen(best) < len && strlen(*candidates) >= len);
		if (closer) {
			least = d;
			best = *candidates;
		}
	}
	return len > 0 && least <= 1 + ((int)len - 1) / 4 ? best : NULL;
}
