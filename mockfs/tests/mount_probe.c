/*
 * mount_probe.c - a line for each operation on a file of proc: what it returned.
 *
 * Run on a real file and on a mocked one the lines must be the same; of those that FUSE makes differ
 * there is none.  The operations are those of pmkit fidelity (conformance/fidelity/operations.def).
 *
 *   mount_probe FILE     FILE in /proc/self, or kpage* in /proc
 *   mount_probe --script the script of a process that looks the same
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "operations.h"

static void print(void *ctx, size_t operation, int64_t result)
{
	if (pmk_operation_difference(operation, ctx, PMK_BY_FUSE_STRICT))
		return;
	printf("%s -> %" PRId64 "\n", pmk_operation_name(operation), result);
}

int main(int argc, char **argv)
{
	char script[256];

	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "--script") != 0)
		return pmk_operations_perform(argv[1], print, argv[1]) ? 1 : 0;
	pmk_operations_script(script, sizeof(script));
	fputs(script, stdout);
	return 0;
}
