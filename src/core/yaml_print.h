/* YAML, written: one text as a scalar. Pure. */
#pragma once

#include "util/base.h"
#include "util/text.h"

/*
 * Plain where nobody could read it as anything else, else in double quotes, so that it reads
 * back as the same bytes. What is not UTF-8 can't be in YAML and becomes U+FFFD.
 */
void yaml_print(const char *string, struct text *out);

/* What a line begins with, two blanks for each section around it. */
void yaml_indent(unsigned depth, struct text *out);
