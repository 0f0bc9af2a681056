/*
 * options.c - AddressSanitizer under an engine: what it keeps for its reports costs more than the targets do.
 *
 * ASAN_OPTIONS goes before these.  A replay has the usual ones, and full reports.
 */
#include <sanitizer/asan_interface.h>

const char *__asan_default_options(void)
{
	return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:" /* many inputs' all the same */
	       "malloc_context_size=1:max_malloc_fill_size=0";
}
