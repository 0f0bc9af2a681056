/* play.c - a script played in the model: see play.h. */
#include "play.h"

#include <stdio.h>
#include <string.h>

int pmk_play_init(struct pmk_play *play, const char *script, const char *as, struct pmk_error *err)
{
	struct pmk_profile profile;

	memset(play, 0, sizeof(*play));
	pthread_mutex_init(&play->lock, NULL);
	play->world = pmk_world_model_create();
	play->stage = pmk_stage_create(play->world);
	if (as && pmk_profile_parse(as, &profile, err) < 0)
		return -1;
	if (pmk_stage_play(play->stage, script, as ? &profile : NULL, err) < 0)
		return -1;
	play->machine = play->world->ops->machine(play->world);
	return 0;
}

void pmk_play_deinit(struct pmk_play *play)
{
	pmk_stage_destroy(play->stage);
	play->world->ops->destroy(play->world);
	pthread_mutex_destroy(&play->lock);
}

int pmk_play_first_pid(const struct pmk_play *play)
{
	for (int i = 0, pid; (pid = pmk_stage_pid(play->stage, i)); i++) {
		const struct pmk_task *task = pmk_task_find(play->machine, pid);

		if (!task || !task->beside)
			return pid;
	}
	return 0;
}

int pmk_play_last_pid(const struct pmk_play *play)
{
	int last = 0;

	for (int pid = 0; (pid = pmk_proc_next_pid(play->machine, pid));)
		last = pid;
	return last;
}

int pmk_play_complain(const char *command, const struct pmk_error *err, int code)
{
	char text[512];

	pmk_error_format(err, text, sizeof(text));
	fprintf(stderr, "pmkit %s: %s\n", command, text);
	return code;
}
