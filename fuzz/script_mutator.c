/*
 * script_mutator.c - for targets that read scripts: bytes are changed one time in four, else statements
 * (conformance/mutate).  libFuzzer's hook; AFL++ has its own mutations and takes no notice.
 */
#include "fuzz.h"
#include "mutate.h"

__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (seed % 4 == 0 && LLVMFuzzerMutate)
		return LLVMFuzzerMutate(data, size, max);
	return pmk_mutate((char *)data, size, max, seed, true);
}
