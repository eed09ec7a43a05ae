test_pit8254_SRCS := root/devices/device.c root/devices/timer.c root/x86_64/devices/pit8254.c
