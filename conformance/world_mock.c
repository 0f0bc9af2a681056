#include "world_live.h"
/* placeholder until the mock world is merged */
int pmk_world_mock_prepare(struct pmk_error *err)
{
	(void)err;
	return 0;
}
struct pmk_world *pmk_world_mock_create(const struct pmk_mock_options *options, struct pmk_error *err)
{
	(void)options;
	pmk_error_set(err, NULL, 0, 0, "the mock world is not built");
	return NULL;
}
