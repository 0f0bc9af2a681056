/* layouts.h - the layouts of pagemap words that targets take their pick of. */
#ifndef PMK_LAYOUTS_H
#define PMK_LAYOUTS_H

#include "fuzz.h"
#include "pagemapkit.h"

#define FUZZ_KERNELS (sizeof(fuzz_kernels) / sizeof(*fuzz_kernels))
static const uint32_t fuzz_kernels[] = {
	0,
	PMK_KERNEL(2, 6, 25),
	PMK_KERNEL(3, 10, 0),
	PMK_KERNEL(4, 2, 0),
	PMK_KERNEL(5, 10, 0),
	PMK_KERNEL(6, 1, 0),
	PMK_KERNEL(6, 10, 0),
	PMK_KERNEL(6, 11, 0),
	PMK_KERNEL(6, 14, 0),
	PMK_KERNEL(6, 15, 0),
};

/* Two bytes of input: kernel (index), configuration (0: all).  Each is made once. */
static inline const struct pmk_layout *fuzz_layout(struct fuzz_input *in)
{
	static struct pmk_layout made[FUZZ_KERNELS][256];
	unsigned kernel = fuzz_byte(in) % FUZZ_KERNELS, config = fuzz_byte(in);
	struct pmk_layout *ret = &made[kernel][config];

	if (!ret->kernel)
		pmk_layout_init(ret, fuzz_kernels[kernel], config ? config : PMK_CONFIG_ALL);
	return ret;
}

#endif /* PMK_LAYOUTS_H */
