/* consumer.c: a program that knows no more of the library than what is installed. */
#include <pagemapkit.h>
#include <stdio.h>

int main(void)
{
	struct pmk_pagemap page;
	char text[4096];

	pmk_pagemap_decode(&pmk_layout_current, UINT64_C(0x440000000000009f), &page);
	pmk_pagemap_diagram(NULL, UINT64_C(0x440000000000009f), 0, text, sizeof(text));
	printf("libpagemapkit %s\n%s", pmk_version(), text);
	return page.guard && page.kind == PMK_SWAP_MARKER ? 0 : 1;
}
