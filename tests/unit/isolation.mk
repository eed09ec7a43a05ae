test_isolation_SRCS := kernel/status.c
