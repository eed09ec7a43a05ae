test_emulator_decode_SRCS := root/emulator/decode.c root/emulator/opcodes.c
test_emulator_decode_LIBS := -lZydis
