/* SPDX-License-Identifier: MIT */
/*
 * Results and flags of integer instructions (SDM vol. 1, 3.4.3.1 and the instruction pages
 * of vol. 2). Carries are found with the identity carry-out = majority(a, b, ~sum), so that
 * no wider type is needed.
 */
#include <emulator/arithmetic.h>
#include <emulator/processor_bits.h>

static uint64_t sign_bit(unsigned size)
{
	return BIT(8 * size - 1);
}

static void flag_put(uint64_t *rflags, uint64_t flag, bool on)
{
	*rflags = on ? *rflags | flag : *rflags & ~flag;
}

/* The flags that depend on the result alone. */
static void flags_put_result(uint64_t *rflags, unsigned size, uint64_t result)
{
	flag_put(rflags, GUEST_FLAG_ZF, !(result & size_mask(size)));
	flag_put(rflags, GUEST_FLAG_SF, result & sign_bit(size));
	flag_put(rflags, GUEST_FLAG_PF, !__builtin_parity((unsigned)(result & 0xff)));
}

static uint64_t add_with_carry(unsigned size, uint64_t a, uint64_t b, bool carry, uint64_t *rflags)
{
	uint64_t sum = (a + b + carry) & size_mask(size);
	uint64_t carries = (a & b) | ((a | b) & ~sum);

	flags_put_result(rflags, size, sum);
	flag_put(rflags, GUEST_FLAG_CF, carries & sign_bit(size));
	flag_put(rflags, GUEST_FLAG_AF, carries & BIT(3));
	flag_put(rflags, GUEST_FLAG_OF, (a ^ sum) & (b ^ sum) & sign_bit(size));
	return sum;
}

static uint64_t subtract_with_borrow(unsigned size, uint64_t a, uint64_t b, bool borrow,
				     uint64_t *rflags)
{
	uint64_t difference = (a - b - borrow) & size_mask(size);
	uint64_t borrows = (~a & b) | ((~a | b) & difference);

	flags_put_result(rflags, size, difference);
	flag_put(rflags, GUEST_FLAG_CF, borrows & sign_bit(size));
	flag_put(rflags, GUEST_FLAG_AF, borrows & BIT(3));
	flag_put(rflags, GUEST_FLAG_OF, (a ^ b) & (a ^ difference) & sign_bit(size));
	return difference;
}

static uint64_t logic_result(unsigned size, uint64_t result, uint64_t *rflags)
{
	*rflags &= ~GUEST_FLAGS_STATUS;
	result &= size_mask(size);
	flags_put_result(rflags, size, result);
	return result;
}

uint64_t arithmetic_binary(enum operation operation, unsigned size, uint64_t a, uint64_t b,
			   uint64_t *rflags)
{
	bool carry = *rflags & GUEST_FLAG_CF;

	a &= size_mask(size);
	b &= size_mask(size);
	switch (operation) {
	case OPERATION_ADD: return add_with_carry(size, a, b, false, rflags);
	case OPERATION_ADC: return add_with_carry(size, a, b, carry, rflags);
	case OPERATION_SBB: return subtract_with_borrow(size, a, b, carry, rflags);
	case OPERATION_OR: return logic_result(size, a | b, rflags);
	case OPERATION_XOR: return logic_result(size, a ^ b, rflags);
	case OPERATION_AND:
	case OPERATION_TEST: return logic_result(size, a & b, rflags);
	default: return subtract_with_borrow(size, a, b, false, rflags); /* SUB, CMP */
	}
}

uint64_t arithmetic_unary(enum operation operation, unsigned size, uint64_t a, uint64_t *rflags)
{
	uint64_t carry = *rflags & GUEST_FLAG_CF, result;

	a &= size_mask(size);
	switch (operation) {
	case OPERATION_NOT: return ~a & size_mask(size);
	case OPERATION_NEG: return subtract_with_borrow(size, 0, a, false, rflags);
	case OPERATION_INC: result = add_with_carry(size, a, 1, false, rflags); break;
	default: result = subtract_with_borrow(size, a, 1, false, rflags); break; /* DEC */
	}
	/* INC and DEC keep the carry */
	*rflags = (*rflags & ~GUEST_FLAG_CF) | carry;
	return result;
}

/* ROL and ROR. count is at least 1 and may be a multiple of the width. */
static uint64_t rotate(bool left, unsigned size, uint64_t a, unsigned count, uint64_t *rflags)
{
	unsigned bits = 8 * size, by = count % bits;
	uint64_t result = a, sign = sign_bit(size);

	if (by && !left)
		by = bits - by;
	if (by)
		result = (a << by | a >> (bits - by)) & size_mask(size);
	if (left) {
		flag_put(rflags, GUEST_FLAG_CF, result & 1);
		flag_put(rflags, GUEST_FLAG_OF, !!(result & sign) != (result & 1));
	} else {
		flag_put(rflags, GUEST_FLAG_CF, result & sign);
		flag_put(rflags, GUEST_FLAG_OF, !!(result & sign) != !!(result & sign >> 1));
	}
	return result;
}

/* RCL and RCR: one bit a step, through the carry. count is at most 63. */
static uint64_t rotate_through_carry(bool left, unsigned size, uint64_t a, unsigned count,
				     uint64_t *rflags)
{
	uint64_t sign = sign_bit(size), carry = *rflags & GUEST_FLAG_CF, out;

	count %= 8 * size + 1;
	if (!count)
		return a;
	while (count--) {
		if (left) {
			out = !!(a & sign);
			a = ((a << 1) | carry) & size_mask(size);
		} else {
			out = a & 1;
			a = a >> 1 | (carry ? sign : 0);
		}
		carry = out;
	}
	flag_put(rflags, GUEST_FLAG_CF, carry);
	if (left)
		flag_put(rflags, GUEST_FLAG_OF, !!(a & sign) != !!carry);
	else
		flag_put(rflags, GUEST_FLAG_OF, !!(a & sign) != !!(a & sign >> 1));
	return a;
}

/* SHL, SHR and SAR by 1 to 63, which may be more than the width. */
static uint64_t shift(enum operation operation, unsigned size, uint64_t a, unsigned count,
		      uint64_t *rflags)
{
	uint64_t sign = sign_bit(size), last, result;
	uint64_t wide = sign_extend(a, size);

	switch (operation) {
	case OPERATION_SHR:
		last = a >> (count - 1) & 1;
		result = a >> count;
		flag_put(rflags, GUEST_FLAG_OF, a & sign);
		break;
	case OPERATION_SAR:
		last = wide >> (count - 1) & 1;
		result = (wide >> count) | (a & sign ? ~(~0ull >> count) : 0);
		flag_put(rflags, GUEST_FLAG_OF, false);
		break;
	default: /* SHL, SAL */
		last = (a << (count - 1)) & sign;
		result = a << count;
		flag_put(rflags, GUEST_FLAG_OF, !!(result & sign) != !!last);
		break;
	}
	result &= size_mask(size);
	flag_put(rflags, GUEST_FLAG_CF, last);
	flags_put_result(rflags, size, result);
	return result;
}

uint64_t arithmetic_shift(enum operation operation, unsigned size, uint64_t a, unsigned count,
			  uint64_t *rflags)
{
	a &= size_mask(size);
	count &= size == 8 ? 63 : 31;
	if (!count)
		return a;
	switch (operation) {
	case OPERATION_ROL:
	case OPERATION_ROR: return rotate(operation == OPERATION_ROL, size, a, count, rflags);
	case OPERATION_RCL:
	case OPERATION_RCR:
		return rotate_through_carry(operation == OPERATION_RCL, size, a, count, rflags);
	default: return shift(operation, size, a, count, rflags);
	}
}

uint64_t arithmetic_double_shift(enum operation operation, unsigned size, uint64_t a, uint64_t b,
				 unsigned count, uint64_t *rflags)
{
	unsigned bits = 8 * size;
	uint64_t sign = sign_bit(size), result, last;

	a &= size_mask(size);
	b &= size_mask(size);
	count &= size == 8 ? 63 : 31;
	if (!count)
		return a;
	if (count > bits) /* 16-bit operands only: undefined; as if b came round again */
		return arithmetic_double_shift(operation, size, b, a, count - bits, rflags);
	if (operation == OPERATION_SHLD) {
		last = a >> (bits - count) & 1;
		result = count == bits ? b : a << count | b >> (bits - count);
	} else {
		last = a >> (count - 1) & 1;
		result = count == bits ? b : a >> count | b << (bits - count);
	}
	result &= size_mask(size);
	flag_put(rflags, GUEST_FLAG_CF, last);
	flag_put(rflags, GUEST_FLAG_OF, (a ^ result) & sign);
	flags_put_result(rflags, size, result);
	return result;
}

uint64_t arithmetic_bit(enum operation operation, unsigned size, uint64_t a, uint64_t bit,
			uint64_t *rflags)
{
	uint64_t mask = BIT(bit % (8 * size));

	a &= size_mask(size);
	flag_put(rflags, GUEST_FLAG_CF, a & mask);
	switch (operation) {
	case OPERATION_BTS: return a | mask;
	case OPERATION_BTR: return a & ~mask;
	case OPERATION_BTC: return a ^ mask;
	default: return a;
	}
}

uint64_t arithmetic_multiply(bool is_signed, unsigned size, uint64_t a, uint64_t b, uint64_t *high,
			     uint64_t *rflags)
{
	uint64_t mask = size_mask(size), low;
	unsigned __int128 product;
	bool overflow;

	if (is_signed)
		product = (unsigned __int128)((__int128)(int64_t)sign_extend(a, size) *
					      (int64_t)sign_extend(b, size));
	else
		product = (unsigned __int128)(a & mask) * (b & mask);
	low = (uint64_t)product & mask;
	*high = (uint64_t)(product >> (8 * size)) & mask;
	if (is_signed)
		overflow = *high != (low & sign_bit(size) ? mask : 0);
	else
		overflow = *high != 0;
	flags_put_result(rflags, size, low);
	flag_put(rflags, GUEST_FLAG_CF | GUEST_FLAG_OF, overflow);
	return low;
}

/* high:low / divisor with high < divisor, one bit a step: the quotient fits in 64 bits. */
static uint64_t divide_wide(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *remainder)
{
	uint64_t quotient = 0;
	unsigned i;

	for (i = 0; i < 64; i++) {
		bool carry = high >> 63;

		high = high << 1 | low >> 63;
		low <<= 1;
		quotient <<= 1;
		if (carry || high >= divisor) {
			high -= divisor;
			quotient |= 1;
		}
	}
	*remainder = high;
	return quotient;
}

bool arithmetic_divide(bool is_signed, unsigned size, uint64_t high, uint64_t low, uint64_t divisor,
		       uint64_t *quotient, uint64_t *remainder)
{
	uint64_t mask = size_mask(size), sign = sign_bit(size), q, r;
	bool negative = is_signed && high & sign, divisor_negative = is_signed && divisor & sign;

	high &= mask;
	low &= mask;
	divisor &= mask;
	if (negative) { /* work on magnitudes */
		low = -low & mask;
		high = (~high + (low == 0)) & mask;
	}
	if (divisor_negative)
		divisor = -divisor & mask;
	if (high >= divisor) /* zero divisors too */
		return false;
	if (size == 8) {
		q = divide_wide(high, low, divisor, &r);
	} else {
		low |= high << (8 * size);
		q = low / divisor;
		r = low % divisor;
	}
	if (is_signed && q > (negative != divisor_negative ? sign : sign - 1))
		return false;
	*quotient = (negative != divisor_negative ? -q : q) & mask;
	*remainder = (negative ? -r : r) & mask;
	return true;
}

bool arithmetic_condition(uint64_t rflags, unsigned condition)
{
	bool sign_differs = !!(rflags & GUEST_FLAG_SF) != !!(rflags & GUEST_FLAG_OF), holds;

	switch (condition >> 1 & 7) {
	case 0: holds = rflags & GUEST_FLAG_OF; break;
	case 1: holds = rflags & GUEST_FLAG_CF; break;
	case 2: holds = rflags & GUEST_FLAG_ZF; break;
	case 3: holds = rflags & (GUEST_FLAG_CF | GUEST_FLAG_ZF); break;
	case 4: holds = rflags & GUEST_FLAG_SF; break;
	case 5: holds = rflags & GUEST_FLAG_PF; break;
	case 6: holds = sign_differs; break;
	default: holds = sign_differs || rflags & GUEST_FLAG_ZF; break;
	}
	return holds != (condition & 1);
}
