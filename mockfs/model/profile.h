/*
 * profile.h - a kernel: a version, an architecture and a configuration, resolved to a set of quirks.
 *
 * Text form, as --as and the kernel statement take it: VERSION[/ARCH][+CONFIG|-CONFIG...], e.g. "6.1",
 * "6.12.107/ppc64el-64k", "7.3/x86_64-soft-dirty".  quirks.def and arches.def are the tables.
 */
#ifndef PMK_PROFILE_H
#define PMK_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script.h"

enum pmk_feature {
#define QUIRK(id, name, since, until, stable, arches, config, text, clauses) PMK_Q_##id,
#define FACILITY(id, name, text)
#include "quirks.def"
#undef QUIRK
#undef FACILITY
	PMK_QUIRK_COUNT,
	PMK_FACILITY_FIRST = PMK_QUIRK_COUNT,
	PMK_FACILITY_BEFORE = PMK_FACILITY_FIRST - 1,
#define QUIRK(id, name, since, until, stable, arches, config, text, clauses)
#define FACILITY(id, name, text) PMK_F_##id,
#include "quirks.def"
#undef QUIRK
#undef FACILITY
	PMK_FEATURE_COUNT
};

enum pmk_arch_id {
#define ARCH(id, name, alias, page_shift, bits, be, pmd_shift, section, task_size, mask) \
	PMK_ARCH_##id,
#include "arches.def"
	PMK_ARCH_COUNT
};

enum pmk_config_id {
#define ARCH(id, name, alias, page_shift, bits, be, pmd_shift, section, task_size, mask)
#define CONFIG(id, name, arches, text) PMK_KCONFIG_##id,
#include "arches.def"
	PMK_KCONFIG_COUNT
};

struct pmk_arch {
	const char *name, *alias;
	unsigned page_shift, long_bits;
	bool big_endian;
	unsigned pmd_shift, section_shift;
	uint64_t task_size;
	unsigned mask;
};
extern const struct pmk_arch pmk_arch[PMK_ARCH_COUNT];

/* One row of quirks.def. */
struct pmk_quirk {
	const char *name;
	uint32_t since, until; /* PMK_KERNEL(); 0: open */
	const char *stable;
	unsigned arches, config;
	const char *text, *clauses;
};
extern const struct pmk_quirk pmk_quirk[PMK_FEATURE_COUNT]; /* facilities: name and text only */

struct pmk_profile {
	uint32_t
		kernel; /* PMK_KERNEL(major, minor, patch); patch 65535: the newest of the series */
	const struct pmk_arch *arch;
	uint32_t config; /* bits of enum pmk_config_id */
	uint64_t task_size;
	uint64_t quirk[(PMK_FEATURE_COUNT + 63) / 64];
	char name[64]; /* the canonical text form */
	unsigned mutant; /* a rule of the model that shall be wrong (rules.h); 0: none */
};

/* E.g. "6.x" gives -1 and "kernel version '6.x': expected MAJOR.MINOR[.PATCH]". */
int pmk_profile_parse(const char *text, struct pmk_profile *ret, struct pmk_error *err);
/* The running kernel: its version, architecture and page size, and its configuration, which is probed. */
void pmk_profile_host(struct pmk_profile *ret);
/* The running kernel in the usual configuration: with what this machine lacks, for model and mock. */
void pmk_profile_usual(struct pmk_profile *ret);
/* Turns a quirk on or off, e.g. after a probe, or for a mutant. */
void pmk_profile_set(struct pmk_profile *profile, enum pmk_feature feature, bool on);

static inline bool pmk_profile_has(const struct pmk_profile *profile, enum pmk_feature feature)
{
	return profile->quirk[feature / 64] >> (feature % 64) & 1;
}
static inline uint64_t pmk_profile_page_size(const struct pmk_profile *profile)
{
	return 1ull << profile->arch->page_shift;
}

/* The feature of this name, or -1. */
int pmk_feature_find(const char *name);

#endif /* PMK_PROFILE_H */
