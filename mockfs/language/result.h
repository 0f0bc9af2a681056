/* result.h - what a call gives a process: >= 0 a value; -errno; PMK_SIGNAL(n) when it met a signal instead. */
#ifndef PMK_RESULT_H
#define PMK_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#define PMK_SIGNAL(n) (-100000 - (int64_t)(n))
static inline bool pmk_is_signal(int64_t result)
{
	return result <= -100000;
}

#endif /* PMK_RESULT_H */
