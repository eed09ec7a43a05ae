test_vmbus_SRCS := root/vmbus/server.c root/vmbus/channel.c root/vmbus/gpadl.c root/vmbus/ring.c root/devices/timer.c
