fuzz_config_SRCS := root/config.c root/config_value.c
