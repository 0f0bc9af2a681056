/* profile.c - kernels as data: parses VERSION[/ARCH][+CONFIG|-CONFIG...] and resolves the quirks. */
#include "profile.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "pagemapkit.h"

#define K(major, minor) PMK_KERNEL(major, minor, 0)
#define A_X86_64	0x01u
#define A_I386		0x02u
#define A_ARM64		0x04u
#define A_ARM		0x08u
#define A_PPC64		0x10u
#define A_S390		0x20u
#define A_RISCV		0x40u
#define A_ALL		0x7fu
#define A_32BIT		(A_I386 | A_ARM)
#define A_SPARSEMEM	(A_ALL & ~A_32BIT)
#define A_SOFT_DIRTY	(A_X86_64 | A_PPC64 | A_S390)
#define A_UFFD_WP	(A_X86_64 | A_ARM64)

const struct pmk_arch pmk_arch[] = {
#define ARCH(id, name, alias, page_shift, bits, be, pmd_shift, section, task_size, mask) \
	{ name, alias, page_shift, bits, be, pmd_shift, section, task_size, mask },
#include "arches.def"
};

struct config {
	const char *name;
	unsigned arches;
};
static const struct config configs[] = {
#define ARCH(id, name, alias, page_shift, bits, be, pmd_shift, section, task_size, mask)
#define CONFIG(id, name, arches, text) { name, arches },
#include "arches.def"
};

#define C_SOFT_DIRTY (1u << PMK_KCONFIG_SOFT_DIRTY)
#define C_UFFD_WP    (1u << PMK_KCONFIG_UFFD_WP)
#define C_MEMCG	     (1u << PMK_KCONFIG_MEMCG)
#define C_LA57	     (1u << PMK_KCONFIG_LA57)
#define C_VSYSCALL   (1u << PMK_KCONFIG_VSYSCALL)
#define C_ZERO_PAGE  (1u << PMK_KCONFIG_ZERO_PAGE)
#define C_THP	     (1u << PMK_KCONFIG_THP)
#define C_KSM	     (1u << PMK_KCONFIG_KSM)
#define C_PAGE_IDLE  (1u << PMK_KCONFIG_PAGE_IDLE)

const struct pmk_quirk pmk_quirk[] = {
#define QUIRK(id, name, since, until, stable, arches, config, text, clauses) \
	[PMK_Q_##id] = { name, since, until, stable, arches, config, text, clauses },
#define FACILITY(id, name, text) [PMK_F_##id] = { name, 0, 0, "", 0, 0, text, "" },
#include "quirks.def"
#undef QUIRK
#undef FACILITY
};

#define SERIES(kernel) ((kernel) & ~0xffffu)

/* Whether a stable boundary such as "+6.12.107" or "-6.18.44" decides for this kernel, and how. */
static int stable_says(const char *stable, uint32_t kernel)
{
	unsigned a, b, c;
	char sign;

	for (const char *at = strpbrk(stable, "+-"); at; at = strpbrk(at + 1, "+-")) {
		if (sscanf(at, "%c%u.%u.%u", &sign, &a, &b, &c) != 4)
			break;
		if (SERIES(PMK_KERNEL(a, b, c)) == SERIES(kernel) && kernel >= PMK_KERNEL(a, b, c))
			return sign == '+';
	}
	return -1;
}

static bool quirk_holds(const struct pmk_quirk *q, const struct pmk_profile *p)
{
	int stable = stable_says(q->stable, p->kernel);

	if (!(q->arches & p->arch->mask) || (q->config & ~p->config))
		return false;
	if (stable >= 0)
		return stable;
	return p->kernel >= q->since && (!q->until || p->kernel < q->until);
}

void pmk_profile_set(struct pmk_profile *profile, enum pmk_feature feature, bool on)
{
	uint64_t bit = 1ull << (feature % 64);

	if (on)
		profile->quirk[feature / 64] |= bit;
	else
		profile->quirk[feature / 64] &= ~bit;
}

/* What follows from version, arch and config. */
static void resolve(struct pmk_profile *p)
{
	memset(p->quirk, 0, sizeof(p->quirk));
	for (unsigned i = 0; i < PMK_QUIRK_COUNT; i++)
		pmk_profile_set(p, i, quirk_holds(&pmk_quirk[i], p));
	p->task_size = p->arch->task_size;
	if (p->arch->mask == A_X86_64 && p->config & C_LA57)
		p->task_size = (1ull << 56) - 4096;
}

static void name_it(struct pmk_profile *p, bool patch)
{
	int n = snprintf(p->name, sizeof(p->name), "%u.%u", p->kernel >> 24, p->kernel >> 16 & 255);

	if (patch)
		n += snprintf(p->name + n, sizeof(p->name) - n, ".%u", p->kernel & 0xffff);
	n += snprintf(p->name + n, sizeof(p->name) - n, "/%s", p->arch->name);
	for (unsigned i = 0; i < PMK_KCONFIG_COUNT && n < (int)sizeof(p->name); i++) {
		bool usual = configs[i].arches & p->arch->mask, on = p->config >> i & 1;

		if (on != usual)
			n += snprintf(p->name + n, sizeof(p->name) - n, "%c%s", on ? '+' : '-',
				      configs[i].name);
	}
}

static bool starts(const char *text, const char *word)
{
	size_t n = strlen(word);

	return n && !strncmp(text, word, n) && !isalnum((unsigned char)text[n]);
}

static const struct pmk_arch *find_arch(const char *text, size_t *ret_len)
{
	const struct pmk_arch *best = NULL;

	*ret_len = 0;
	for (size_t i = 0; i < PMK_ARCH_COUNT; i++) {
		const char *names[] = { pmk_arch[i].name, pmk_arch[i].alias };

		for (int k = 0; k < 2; k++)
			if (starts(text, names[k]) && strlen(names[k]) > *ret_len) {
				best = &pmk_arch[i];
				*ret_len = strlen(names[k]);
			}
	}
	return best;
}

static uint32_t usual_config(const struct pmk_arch *arch)
{
	uint32_t config = 0;

	for (unsigned i = 0; i < PMK_KCONFIG_COUNT; i++)
		if (configs[i].arches & arch->mask)
			config |= 1u << i;
	return config;
}

static int parse_config(const char *text, const char *at, struct pmk_profile *p,
			struct pmk_error *err)
{
	while (*at) {
		unsigned i;

		for (i = 0; i < PMK_KCONFIG_COUNT; i++)
			if ((*at == '+' || *at == '-') && starts(at + 1, configs[i].name))
				break;
		if (i == PMK_KCONFIG_COUNT)
			return pmk_error_set(
				err, NULL, 0, 0,
				"kernel '%s': '%s' is no +CONFIG or -CONFIG; known: "
				"soft-dirty, uffd-wp, memcg, la57, vsyscall, zero-page, "
				"page-idle",
				text, at);
		if (*at == '+')
			p->config |= 1u << i;
		else
			p->config &= ~(1u << i);
		at += 1 + strlen(configs[i].name);
	}
	return 0;
}

int pmk_profile_parse(const char *text, struct pmk_profile *ret, struct pmk_error *err)
{
	struct pmk_profile p = { .arch = &pmk_arch[PMK_ARCH_X86_64] };
	unsigned major, minor, patch = 0xffff;
	const char *at;
	size_t len;
	int n = 0, m = 0;

	if (sscanf(text, "%3u.%3u%n", &major, &minor, &n) < 2 || major > 255 || minor > 255)
		return pmk_error_set(err, NULL, 0, 0,
				     "kernel '%s': expected MAJOR.MINOR[.PATCH][/ARCH][+CONFIG...]",
				     text);
	at = text + n;
	if (sscanf(at, ".%5u%n", &patch, &m) == 1)
		at += m;
	p.kernel = PMK_KERNEL(major, minor, patch > 0xffff ? 0xffff : patch);
	if (*at == '/') {
		p.arch = find_arch(at + 1, &len);
		if (!p.arch)
			return pmk_error_set(err, NULL, 0, 0,
					     "kernel '%s': unknown architecture '%s'; known: "
					     "x86_64, i386, arm64, arm64-16k, arm64-64k, armhf, "
					     "ppc64el, ppc64el-64k, s390x, riscv64",
					     text, at + 1);
		at += 1 + len;
	}
	p.config = usual_config(p.arch);
	if (parse_config(text, at, &p, err))
		return -1;
	resolve(&p);
	name_it(&p, m);
	*ret = p;
	return 0;
}

/* Whether the word of our own pagemap at this position shows `mask`; *ret_len: what pread(2) said. */
static bool own_entry_has(uint64_t pos, uint64_t mask, ssize_t *ret_len)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t word = 0;

	*ret_len = fd < 0 ? -1 : pread(fd, &word, sizeof(word), (off_t)pos);
	if (fd >= 0)
		close(fd);
	return word & mask;
}

static void host_config(struct pmk_profile *p, enum pmk_config_id config, bool on)
{
	if (on)
		p->config |= 1u << config;
	else
		p->config &= ~(1u << config);
}

/* What configuration and CPU make of a kernel is asked of it, not guessed. */
static void probe_config(struct pmk_profile *p, size_t page)
{
	void *fresh = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char line[512];
	bool gate = false;
	ssize_t len;
	FILE *maps;

	if (fresh != MAP_FAILED) { /* E-B55-VMA: a new mapping is soft-dirty before any touch */
		host_config(p, PMK_KCONFIG_SOFT_DIRTY,
			    own_entry_has((uintptr_t)fresh / page * 8, PMK_PAGEMAP_SOFT_DIRTY_MASK,
					  &len));
		/* K-ZERO: the zero page is nobody's alone, a page of its own is */
		host_config(p, PMK_KCONFIG_ZERO_PAGE,
			    *(volatile char *)fresh ||
				    !own_entry_has((uintptr_t)fresh / page * 8,
						   PMK_PAGEMAP_EXCLUSIVE_MASK, &len));
		munmap(fresh, page);
	}
	if (p->arch->mask == A_X86_64) { /* A-TS-X86: entries go on beyond 2^47 */
		own_entry_has((1ull << 47) / 4096 * 8, 0, &len);
		host_config(p, PMK_KCONFIG_LA57, len == 8);
	}
	maps = fopen("/proc/self/maps", "re");
	while (maps && fgets(line, sizeof(line), maps))
		gate |= strstr(line, " [vsyscall]") != NULL;
	if (maps)
		fclose(maps);
	host_config(p, PMK_KCONFIG_VSYSCALL, gate);
	/* of nothing: the advice is known also where the machine has no huge pages, and so no folder in /sys */
	host_config(p, PMK_KCONFIG_THP, madvise(NULL, 0, MADV_HUGEPAGE) == 0);
	host_config(p, PMK_KCONFIG_KSM, access("/sys/kernel/mm/ksm", F_OK) == 0);
	host_config(p, PMK_KCONFIG_MEMCG, access("/proc/kpagecgroup", F_OK) == 0);
	host_config(p, PMK_KCONFIG_PAGE_IDLE, access("/sys/kernel/mm/page_idle/bitmap", F_OK) == 0);
}

/* A release without a third number is a candidate or the first of its series.  Debian's has the number of
 * its packages instead ("6.1.0-50-amd64"), and upstream's in the version: "#1 SMP Debian 6.1.176-1". */
static uint32_t running_kernel(const struct utsname *u)
{
	unsigned major = 6, minor = 12, patch = 0, a, b, c;
	const char *debian = strstr(u->version, "Debian ");

	sscanf(u->release, "%u.%u.%u", &major, &minor, &patch);
	if (debian && sscanf(debian, "Debian %u.%u.%u", &a, &b, &c) == 3 && a == major &&
	    b == minor)
		patch = c;
	return PMK_KERNEL(major, minor, patch > 0xffff ? 0xffff : patch);
}

/* The kernel and the architecture that run here, as usually configured. */
static struct pmk_profile running(void)
{
	long page = sysconf(_SC_PAGESIZE);
	struct pmk_profile p = { .arch = &pmk_arch[PMK_ARCH_X86_64],
				 .kernel = PMK_KERNEL(6, 12, 0xffff) };
	struct utsname u;
	size_t len;

	if (!uname(&u)) {
		const struct pmk_arch *arch = find_arch(u.machine, &len);

		p.kernel = running_kernel(&u);
		if (arch)
			p.arch = arch;
	}
	for (size_t i = 0; i < PMK_ARCH_COUNT; i++)
		if (pmk_arch[i].mask == p.arch->mask && 1l << pmk_arch[i].page_shift == page &&
		    1l << p.arch->page_shift != page)
			p.arch = &pmk_arch[i];
	p.config = usual_config(p.arch);
	return p;
}

void pmk_profile_host(struct pmk_profile *ret)
{
	*ret = running();
	probe_config(ret, (size_t)sysconf(_SC_PAGESIZE));
	resolve(ret);
	name_it(ret, true);
}

void pmk_profile_usual(struct pmk_profile *ret)
{
	*ret = running();
	resolve(ret);
	name_it(ret, true);
}

int pmk_feature_find(const char *name)
{
	for (int i = 0; i < PMK_FEATURE_COUNT; i++)
		if (!strcmp(pmk_quirk[i].name, name))
			return i;
	return -1;
}
