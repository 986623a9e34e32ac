#include "os/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static char text[CHANNEL_MESSAGE_MAX + 1];
static pid_t sender;

START_TEST(a_message_comes_with_the_pid_of_whoever_sent_it)
{
	int ours, theirs;
	ck_assert_int_eq(channel_open(&ours, &theirs), 0);
	ck_assert_int_eq(channel_receive(ours, text, &sender), -EAGAIN);
	pid_t child = fork();
	if (child == 0)
		_exit(send(theirs, "{\"born\":true}", 13, 0) != 13);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(channel_receive(ours, text, &sender), 13);
	ck_assert_str_eq(text, "{\"born\":true}");
	ck_assert_int_eq(sender, child);
	close(ours);
	close(theirs);
}
END_TEST

START_TEST(messages_stay_apart_and_the_end_is_an_end)
{
	int ours, theirs;
	ck_assert_int_eq(channel_open(&ours, &theirs), 0);
	ck_assert_int_eq(send(theirs, "one", 3, 0), 3);
	ck_assert_int_eq(send(theirs, "two", 3, 0), 3);
	close(theirs);
	ck_assert_int_eq(channel_receive(ours, text, &sender), 3);
	ck_assert_str_eq(text, "one");
	ck_assert_int_eq(channel_receive(ours, text, &sender), 3);
	ck_assert_str_eq(text, "two");
	ck_assert_int_eq(channel_receive(ours, text, &sender), 0);
	close(ours);
}
END_TEST

START_TEST(descriptors_arrive_with_their_message)
{
	int ours, theirs, pipes[2], got = -1;
	ck_assert_int_eq(channel_open(&ours, &theirs), 0);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(channel_send(ours, "here", 4, &pipes[1], 1), 0);

	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec io = { .iov_base = text, .iov_len = sizeof text };
	struct msghdr message = { .msg_iov = &io,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	ck_assert_int_eq(recvmsg(theirs, &message, 0), 4);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
	ck_assert_int_eq(write(got, "x", 1), 1);
	ck_assert_int_eq(read(pipes[0], text, 1), 1);
	close(got);
	close(ours);
	close(theirs);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

START_TEST(one_that_does_not_read_is_not_waited_for)
{
	int ours, theirs, error = 0;
	ck_assert_int_eq(channel_open(&ours, &theirs), 0);
	for (int i = 0; i < 100000 && error == 0; i++)
		error = channel_send(ours, "again", 5, NULL, 0);
	ck_assert_int_eq(error, -EAGAIN);
	close(theirs);
	ck_assert_int_eq(channel_send(ours, "again", 5, NULL, 0), -EPIPE);
	close(ours);
}
END_TEST

START_TEST(what_is_too_long_or_too_much_is_refused)
{
	int ours, theirs, many[CHANNEL_FDS_MAX + 1] = { 0 };
	char big[CHANNEL_MESSAGE_MAX + 100] = { 0 };
	ck_assert_int_eq(channel_open(&ours, &theirs), 0);
	ck_assert_int_eq(send(theirs, big, sizeof big, 0), sizeof big);
	ck_assert_int_eq(channel_receive(ours, text, &sender), -EBADMSG);
	ck_assert_int_eq(channel_send(ours, "x", 1, many, CHANNEL_FDS_MAX + 1), -E2BIG);
	close(ours);
	close(theirs);
}
END_TEST

SUITE("channel", a_message_comes_with_the_pid_of_whoever_sent_it,
      messages_stay_apart_and_the_end_is_an_end, descriptors_arrive_with_their_message,
      one_that_does_not_read_is_not_waited_for, what_is_too_long_or_too_much_is_refused)
