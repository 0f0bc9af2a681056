/* SPDX-License-Identifier: MIT */
/* translate.c - virtual to physical. */
#include "translate.h"

#include <unistd.h>

#include "pagemapkit.h"
#include "procread.h"

int pmk_translator_init(struct pmk_translator *ret, const char *root, pid_t pid)
{
	int pagemap = pmk_proc_open(root, pid, "pagemap");

	if (pagemap < 0)
		return pagemap;
	ret->pagemap = pagemap;
	ret->kpageflags = pmk_proc_open(root, 0, "kpageflags");
	ret->kpagecount = pmk_proc_open(root, 0, "kpagecount");
	ret->kpagecgroup = pmk_proc_open(root, 0, "kpagecgroup");
	ret->page_shift = (unsigned)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	return 0;
}

void pmk_translator_deinit(struct pmk_translator *t)
{
	const int fds[] = { t->pagemap, t->kpageflags, t->kpagecount, t->kpagecgroup };

	for (size_t i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static struct pmk_kword kword(int fd, uint64_t pfn)
{
	struct pmk_kword ret = { .error = fd };
	int64_t got;

	if (fd < 0)
		return ret;
	got = pmk_proc_words(fd, pfn, 1, &ret.word);
	ret.known = got == 1;
	ret.error = got < 0 ? (int)got : 0;
	return ret;
}

int pmk_translate(const struct pmk_translator *t, uint64_t address, struct pmk_translation *ret)
{
	struct pmk_translation r = { .address = address };
	int64_t got = pmk_proc_words(t->pagemap, address >> t->page_shift, 1, &r.word);

	if (got < 0)
		return (int)got;
	r.beyond = got == 0;
	r.pfn = r.word & PMK_PAGEMAP_FRAME_MASK;
	r.frame = r.word & PMK_PAGEMAP_PRESENT_MASK && r.pfn;
	if (r.frame) {
		r.phys = pmk_phys(r.pfn, address, t->page_shift);
		r.flags = kword(t->kpageflags, r.pfn);
		r.count = kword(t->kpagecount, r.pfn);
		r.cgroup = kword(t->kpagecgroup, r.pfn);
	} else {
		r.pfn = 0;
	}
	*ret = r;
	return 0;
}
