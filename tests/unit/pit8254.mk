test_pit8254_SRCS := root/devices/device.c root/devices/timer.c root/devices/pit8254.c
