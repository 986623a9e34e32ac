/* What `pumakeeper` says of itself: views of the table of verbs. */
#pragma once

#include <stdio.h>

#include "core/command_table.h"

void help_print(FILE *to);
void help_print_verb(FILE *to, enum verb verb);

/* A script for bash: `eval "$(pumakeeper completions)"`. */
void help_print_completions(FILE *to);
