test_state_format_SRCS := kernel/state_format.c
