test_gdb_SRCS := root/gdb/packet.c root/gdb/registers.c root/gdb/server.c root/gdb/breakpoints.c
