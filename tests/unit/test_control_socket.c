#include "os/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/listen.h"
#include "suite.h"
#include "util/fd.h"

static struct error err;
static char directory[64], path[100];
static gid_t gid;

static int listen_here(const char *group) {
	strcpy(directory, "/tmp/test-control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/control", directory);
	return control_socket_listen(path, group, &gid, &err);
}

static void leave(int fd) {
	if (fd >= 0)
		listen_unlink(fd);
	ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(the_socket_is_open_to_its_owner_and_group_only)
{
	AUTOCLOSE int fd = listen_here(NULL);
	struct stat st;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(control_socket_accept(fd), -EAGAIN);
	leave(fd);
}
END_TEST

START_TEST(the_file_belongs_to_the_configured_group)
{
	char own[16];
	snprintf(own, sizeof own, "%u", getegid());
	AUTOCLOSE int fd = listen_here(geteuid() == 0 ? "adm" : own);
	struct stat st;
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_gid, gid);
	ck_assert_uint_eq(gid, geteuid() == 0 ? getgrnam("adm")->gr_gid : getegid());
	leave(fd);
}
END_TEST

START_TEST(a_group_that_does_not_exist_leaves_no_socket_behind)
{
	ck_assert_int_eq(listen_here("no-such-group-here"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "there is no such group"));
	leave(-1);
	ck_assert_int_eq(control_socket_group("4294967295", &gid), -ENOENT);
	ck_assert_int_eq(control_socket_group("-1", &gid), -ENOENT);
	ck_assert_int_eq(control_socket_group("50x", &gid), -ENOENT);
}
END_TEST

START_TEST(a_peer_is_known_by_uid_and_all_its_groups)
{
	AUTOCLOSE int fd = listen_here(NULL);
	AUTOCLOSE int client = control_socket_connect(path);
	ck_assert_int_ge(client, 0);
	AUTOCLOSE int met = control_socket_accept(fd);
	ck_assert_int_ge(met, 0);
	ck_assert(fcntl(met, F_GETFL) & O_NONBLOCK);

	CLEANUP(control_peer_finish) struct control_peer peer = { 0 };
	ck_assert_int_eq(control_socket_peer(met, &peer), 0);
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	ck_assert_int_eq(peer.pid, getpid());
	gid_t groups[256];
	ck_assert_int_eq(getgroups(256, groups), (int)peer.n_groups);
	leave(fd);
}
END_TEST

START_TEST(nobody_there_is_said_at_once)
{
	AUTOCLOSE int fd = listen_here(NULL);
	fd_close(&fd);
	ck_assert_int_eq(control_socket_connect(path), -ECONNREFUSED);
	unlink(path);
	ck_assert_int_eq(control_socket_connect(path), -ENOENT);
	leave(-1);
}
END_TEST

START_TEST(half_closed_is_not_gone)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	char byte;
	ck_assert_int_eq(control_socket_read(pair[0], &byte, 1), -EAGAIN);
	ck_assert(!control_socket_gone(pair[0]));
	shutdown(pair[1], SHUT_WR);
	ck_assert_int_eq(control_socket_read(pair[0], &byte, 1), 0);
	ck_assert(!control_socket_gone(pair[0]));
	close(pair[1]);
	ck_assert(control_socket_gone(pair[0]));
	ck_assert_int_eq(control_socket_write(pair[0], "x", 1), -EPIPE);
	close(pair[0]);
}
END_TEST

SUITE("control_socket", the_socket_is_open_to_its_owner_and_group_only,
      the_file_belongs_to_the_configured_group, a_group_that_does_not_exist_leaves_no_socket_behind,
      a_peer_is_known_by_uid_and_all_its_groups, nobody_there_is_said_at_once,
      half_closed_is_not_gone)
