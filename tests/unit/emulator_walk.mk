test_emulator_walk_SRCS := root/emulator/guest_walk.c
