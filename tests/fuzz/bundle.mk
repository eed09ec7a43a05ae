fuzz_bundle_SRCS := kernel/bundle.c
