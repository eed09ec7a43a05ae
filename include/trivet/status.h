/* SPDX-License-Identifier: MIT */
/*
 * What every call answers: STATUS_OK or the name of what was wrong. A call that does not
 * answer STATUS_OK has changed nothing, unless its own documentation says otherwise.
 * The numbers are ABI: new ones go to the end.
 */
#ifndef TRIVET_STATUS_H
#define TRIVET_STATUS_H

/* X(name, number, words for a person) */
#define STATUS_TABLE(X)                                                                         \
	X(OK, 0, "success")                                                                     \
	X(INVALID_SYSCALL, 1, "no such system call")                                            \
	X(INVALID_HANDLE, 2, "the handle names no object")                                      \
	X(WRONG_TYPE, 3, "the handle names an object of another type")                          \
	X(ACCESS_DENIED, 4, "the handle lacks the right that the call needs")                   \
	X(INVALID_ARGUMENT, 5, "an argument has a value that is not allowed")                   \
	X(INVALID_ADDRESS, 6, "an address is outside the memory that the caller may name")      \
	X(MISALIGNED, 7, "an address or a size is not aligned as the call asks")                \
	X(OVERLAP, 8, "the range overlaps one that is mapped")                                  \
	X(NOT_FOUND, 9, "nothing has that name, index or address")                              \
	X(ALREADY_EXISTS, 10, "the name, index or address is taken")                            \
	X(NO_MEMORY, 11, "the account that pays has no memory left")                            \
	X(BUSY, 12, "the object is in use")                                                     \
	X(WRONG_STATE, 13, "the object is not in a state in which this can be done")            \
	X(TIMED_OUT, 14, "the time limit has passed")                                           \
	X(NOT_SUPPORTED, 15, "this machine or this build cannot do it")                         \
	X(TOO_LARGE, 16, "a size or a count is over its limit")                                 \
	X(NO_VIRTUALIZATION, 17, "the processor has no virtualization extension that is known") \
	X(VIRTUALIZATION_DISABLED, 18, "virtualization is switched off by the firmware")        \
	X(NO_NESTED_PAGING, 19, "the processor has no second-level paging")                     \
	X(BAD_FORMAT, 20, "the data has not the format that it should have")                    \
	X(TRUNCATED, 21, "the data ends too early")                                             \
	X(CANCELLED, 22, "the call was given up before it ended")                               \
	X(DESTROYED, 23, "the object is being destroyed")                                       \
	X(INVALID_VTL, 24, "the VTL does not exist or is not enabled")                          \
	X(INVALID_REGISTER, 25, "no such register, or it cannot be written")                    \
	X(INVALID_REGISTER_VALUE, 26, "the register cannot hold that value")                    \
	X(BACKEND_FAILED, 27, "the processor refused the guest state")                          \
	X(NO_VBS, 28, "isolation by VTLs needs VTLs, which this kernel does not have")          \
	X(NO_SNP, 29, "the processor has no SEV-SNP")                                           \
	X(NO_TDX, 30, "the processor has no TDX, or it is switched off by the firmware")        \
	X(TSC_RATE, 31, "its TSC ran at another rate, for which its guest is not prepared")

#define STATUS_ENUM(name, number, words) STATUS_##name = (number),
enum status { STATUS_TABLE(STATUS_ENUM) STATUS_COUNT };
#undef STATUS_ENUM

typedef enum status status_t;

/* The status in words, for messages to people; never NULL. */
const char *status_words(status_t status);
/* The status by its name ("NO_MEMORY"); never NULL. */
const char *status_name(status_t status);

#endif
