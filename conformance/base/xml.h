/* SPDX-License-Identifier: MIT */
/* xml.h - text in XML and HTML. */
#ifndef PMK_XML_H
#define PMK_XML_H

#include <stdio.h>

/* Escaped; characters that XML cannot have become '?'. */
void pmk_xml_put(FILE *out, const char *text);

#endif
