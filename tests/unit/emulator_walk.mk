test_emulator_walk_SRCS := root/x86_64/emulator/guest_walk.c
