/* layouts.h - the layouts of pagemap words that targets take their pick of. */
#ifndef PMK_LAYOUTS_H
#define PMK_LAYOUTS_H

#include "fuzz.h"
#include "pagemapkit.h"

/* Two bytes of input: kernel (index), configuration (0: all). */
static inline void fuzz_layout(struct fuzz_input *in, struct pmk_layout *ret)
{
	static const uint32_t kernels[] = {
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
	uint8_t kernel = fuzz_byte(in), config = fuzz_byte(in);

	pmk_layout_init(ret, kernels[kernel % (sizeof(kernels) / sizeof(*kernels))],
			config ? config : PMK_CONFIG_ALL);
}

#endif /* PMK_LAYOUTS_H */
