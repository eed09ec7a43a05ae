/* SPDX-License-Identifier: MIT */
/* A limit to messages: their first few in a stretch of time, and a count of the others. */
#include <lib/log_limit.h>

bool log_limit_pass(struct log_limit *limit, uint64_t now_ns)
{
	if (limit->count == 0 || now_ns - limit->since_ns >= LOG_LIMIT_NS) {
		limit->since_ns = now_ns;
		limit->count = 0;
	}
	if (limit->count == LOG_LIMIT_COUNT) {
		limit->left_out += limit->left_out < UINT32_MAX;
		return false;
	}
	limit->count++;
	return true;
}

uint32_t log_limit_left_out(struct log_limit *limit)
{
	uint32_t left_out = limit->left_out;

	limit->left_out = 0;
	return left_out;
}
