/* SPDX-License-Identifier: MIT */
/* number.h - numbers on the command line: decimal or 0x hexadecimal, nothing before or after. */
#ifndef PMK_NUMBER_H
#define PMK_NUMBER_H

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static inline bool pmk_number_parse(const char *text, uint64_t *ret)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2])))
		return false;
	errno = 0;
	value = strtoull(text, &end, hex ? 16 : 10);
	if (*end || errno)
		return false;
	*ret = value;
	return true;
}

#endif
