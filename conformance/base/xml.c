/* SPDX-License-Identifier: MIT */
/* xml.c - text in XML and HTML. */
#include "xml.h"

#include <stddef.h>

void pmk_xml_put(FILE *out, const char *text)
{
	static const struct {
		char c;
		const char *as;
	} escapes[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" } };
	size_t i;

	for (; *text; text++) {
		for (i = 0; i < 4 && escapes[i].c != *text; i++)
			;
		if (i < 4)
			fputs(escapes[i].as, out);
		else
			fputc((unsigned char)*text < 0x20 && *text != '\n' ? '?' : *text, out);
	}
}
