/* SPDX-License-Identifier: MIT */
/*
 * json.h - writes JSON, indented: commas, quotes and escapes are its business, the order is yours.
 *
 * key is NULL inside arrays.  Bytes that are not UTF-8 become U+FFFD.
 */
#ifndef PMK_JSON_H
#define PMK_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct pmk_json {
	FILE *out;
	unsigned depth;
	bool more; /* the object or array has a member already */
};

void pmk_json_open(struct pmk_json *j, const char *key, char bracket); /* '{' or '[' */
void pmk_json_close(struct pmk_json *j, char bracket); /* '}' or ']' */
void pmk_json_string(struct pmk_json *j, const char *key, const char *value); /* NULL: null */
void pmk_json_number(struct pmk_json *j, const char *key, uint64_t value);
void pmk_json_hex(struct pmk_json *j, const char *key, uint64_t value); /* "0x12" */
void pmk_json_seconds(struct pmk_json *j, const char *key, double value);
void pmk_json_bool(struct pmk_json *j, const char *key, bool value);
/* `value` is JSON already. */
void pmk_json_raw(struct pmk_json *j, const char *key, const char *value);

#endif
