test_device_bus_SRCS := root/devices/device.c root/devices/timer.c
