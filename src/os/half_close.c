#include "os/half_close.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int half_close_look(int borrowed, struct half_close_look *look) {
	int unread = 0, unsent = 0;
	*look = (struct half_close_look){ 0 };
	if (ioctl(borrowed, SIOCINQ, &unread) != 0 || ioctl(borrowed, SIOCOUTQ, &unsent) != 0)
		return -errno;
	look->unread = (uint32_t)unread;
	look->unsent = (uint32_t)unsent;
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;
	if (getsockopt(borrowed, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return errno == EOPNOTSUPP || errno == ENOPROTOOPT ? -ENOTSUP : -errno;
	look->recv_age_ms = info.tcpi_last_data_recv;
	look->sent_age_ms = info.tcpi_last_data_sent;
	look->received = info.tcpi_bytes_received;
	look->written = info.tcpi_bytes_acked + (uint32_t)unsent;
	return 0;
}

int half_close(int borrowed) {
	return shutdown(borrowed, SHUT_RD) == 0 ? 0 : -errno;
}
