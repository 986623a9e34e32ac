/*
 * One option's value, from YAML events: a scalar, a list or a mapping. What is wrong with it is
 * told to the reader, at its place. Pure.
 */
#pragma once

#include "core/config.h"
#include "core/yaml_reader.h"

/* `first` begins the value; it is read to its end, whatever it is. */
void option_read(struct yaml_reader *yaml, const struct option *option, const yaml_event_t *first,
		 struct config *config);
