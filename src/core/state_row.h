/* Macros to write the rows of a state's tables (core/state_parts.h); for those tables only. */
#pragma once

#include "core/state_parts.h"

/* The member's type decides, so that a row can't be wrong about it. */
#define STATE_AS(value) \
	_Generic((value),            \
		bool: AS_BOOL,       \
		int: AS_INT,         \
		unsigned: AS_UNSIGNED, \
		uint64_t: AS_UINT64, \
		msec_t: AS_TIME,     \
		char *: AS_CHARS,    \
		const char *: AS_TEXT)

#define MEMBER(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define NAMED(type, member)  .name = #member, MEMBER(type, member)

#define KEPT(type, member) \
	{ NAMED(type, member), .as = STATE_AS(((type *)0)->member) }
#define KEPT_BUT(type, member, usual) \
	{ NAMED(type, member), .as = STATE_AS(((type *)0)->member), .blank = (usual) }
#define KEPT_TO(type, member, limit) \
	{ NAMED(type, member), .as = STATE_AS(((type *)0)->member), .most = (limit) }
#define BITS(type, member) \
	{ NAMED(type, member), .as = AS_BITS }
#define DEADLINE(type, member) \
	{ NAMED(type, member), .as = AS_DEADLINE, .blank = MSEC_NEVER }
#define WORD(type, member, list, usual)                                                          \
	{                                                                                        \
		NAMED(type, member), .as = AS_WORD, .words = (list), .n_words = ARRAY_LEN(list), \
				     .blank = (usual)                                            \
	}
#define OBJECT(type, member, of) \
	{ NAMED(type, member), .as = AS_OBJECT, .table = &(of) }
#define LIST(type, member, of) \
	{ NAMED(type, member), .as = AS_LIST, .table = &(of) }
#define OWN(type, member, way) \
	{ NAMED(type, member), .as = AS_OWN, .print = state_print_##way, .read = state_read_##way }
#define NOT_KEPT(type, member) \
	{ NAMED(type, member), .as = AS_NOTHING }

#define TABLE(type, list) \
	{ .rows = (list), .n = ARRAY_LEN(list), .size = sizeof(type) }
