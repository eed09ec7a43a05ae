test_vp_set_SRCS := kernel/vp_set.c
