test_emulator_decode_SRCS := root/x86_64/emulator/decode.c root/x86_64/emulator/opcodes.c
test_emulator_decode_LIBS := -lZydis
