/*
 * Nothing: the rate of an engine with a target that does nothing, which the others are measured against
 * (ci/fuzz --bench).
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
	return 0;
}
