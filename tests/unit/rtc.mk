test_rtc_SRCS := root/devices/device.c root/devices/timer.c root/x86_64/devices/rtc.c root/x86_64/devices/rtc_calendar.c
test_rtc_CFLAGS := -D_POSIX_C_SOURCE=200809L
