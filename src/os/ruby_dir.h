/* Where our Ruby files are: beside the program that runs, be it installed or just built. */
#pragma once

#include "util/base.h"

/*
 * `wished` ($PUMAKEEPER_RUBY_DIR) if it isn't NULL; else PREFIX/share/pumakeeper/ruby of a
 * program in PREFIX/bin, or src/ruby of a build directory: never a path compiled in, so that
 * an installation can be moved and two can live side by side. 0 with an absolute path without
 * links; -ENOENT when worker.rb is not there, or another -errno.
 */
NODISCARD int ruby_dir_find(const char *wished, char *path, size_t size);
