test_inspect_SRCS := root/lib/inspect.c root/lib/format.c
