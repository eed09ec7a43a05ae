test_gdb_SRCS := root/gdb/packet.c root/gdb/rows.c root/x86_64/gdb/registers.c root/gdb/server.c root/gdb/breakpoints.c
