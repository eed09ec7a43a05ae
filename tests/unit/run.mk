test_run_SRCS := root/lib/run.c
