// target: one port on loopback for TCP and UDP that sends, discards or echoes, as the first byte asks (wire.h). Ends when its standard input does.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

enum { STEP = 1 << 20, LOW_WATER = 64 << 10, MAX_FD = 65536, MAX_EVENTS = 256, BACKLOG = 4096, LIFETIME_SECONDS = 3600 };

static unsigned char wants[MAX_FD];  // by descriptor; 0: not known yet
static struct target_counts counts;
static int epoll, listener, datagram_socket, source;
static struct sockaddr_in acknowledged;

static void check(int result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

static void watch(int fd, uint32_t events, int operation) {
  struct epoll_event event = { .events = events, .data.fd = fd };
  check(epoll_ctl(epoll, operation, fd, &event), "epoll_ctl");
}

static void accept_all(void) {
  int on = 1;
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= MAX_FD) {
      close(fd);
      continue;
    }
    wants[fd] = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }
}

// False: over. An echo that the peer does not take at once is over too: the generator never has that much on the way.
static int serve_stream(int fd) {
  static unsigned char buffer[STEP];
  if (wants[fd] == WANT_DOWN) {
    off_t at = 0;
    return sendfile(fd, source, &at, STEP) > 0 || errno == EAGAIN;
  }
  // Dropped in the kernel, not copied (tcp(7), MSG_TRUNC).
  ssize_t got = recv(fd, buffer, sizeof buffer, wants[fd] == WANT_UP ? MSG_TRUNC : 0);
  if (got < 0 && errno == EAGAIN) return 1;
  if (got <= 0) return 0;
  if (wants[fd] == 0) {
    wants[fd] = buffer[0];
    const int low_water = LOW_WATER;
    if (wants[fd] == WANT_UP) setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
    if (wants[fd] == WANT_DOWN) watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
  }
  if (wants[fd] == WANT_ECHO) return send(fd, buffer, (size_t)got, MSG_NOSIGNAL) == got;
  counts.stream_bytes += (uint64_t)got;
  return wants[fd] == WANT_UP || wants[fd] == WANT_DOWN;
}

static void send_counts(const struct sockaddr_in *to) {
  sendto(datagram_socket, &counts, sizeof counts, MSG_DONTWAIT, (const struct sockaddr *)to, sizeof *to);
}

static void serve_datagrams(void) {
  static unsigned char buffers[DATAGRAM_BATCH][MAX_DATAGRAM];
  static struct sockaddr_in peers[DATAGRAM_BATCH];
  struct iovec parts[DATAGRAM_BATCH];
  struct mmsghdr received[DATAGRAM_BATCH] = { 0 }, answers[DATAGRAM_BATCH];
  for (int i = 0; i < DATAGRAM_BATCH; i++) {
    parts[i] = (struct iovec){ .iov_base = buffers[i], .iov_len = MAX_DATAGRAM };
    received[i].msg_hdr = (struct msghdr){ .msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &parts[i], .msg_iovlen = 1 };
  }
  int count = recvmmsg(datagram_socket, received, DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
  unsigned echoes = 0;
  for (int i = 0; i < count; i++) {
    if (received[i].msg_len == 0) continue;
    if (buffers[i][0] == DATAGRAM_ECHO) {
      parts[i].iov_len = received[i].msg_len;
      answers[echoes++] = received[i];
    } else if (buffers[i][0] == DATAGRAM_CONTROL) {
      acknowledged = peers[i];
      send_counts(&peers[i]);
    } else if (++counts.datagrams % ACK_EVERY == 0 && acknowledged.sin_port != 0) {
      send_counts(&acknowledged);
    }
  }
  if (echoes > 0) sendmmsg(datagram_socket, answers, echoes, MSG_DONTWAIT);
}

static void open_source_file(void) {
  source = memfd_create("source", MFD_CLOEXEC);
  static unsigned char pattern[STEP];
  for (size_t i = 0; i < STEP; i++) pattern[i] = (unsigned char)(i * 31 + (i >> 8));
  check(source < 0 || write(source, pattern, STEP) != STEP ? -1 : 0, "memfd");
}

static void open_ports(void) {
  struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t length = sizeof here;
  int on = 1, size = PORT_BUFFER;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  datagram_socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(datagram_socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(datagram_socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  check(bind(listener, (struct sockaddr *)&here, sizeof here), "bind");
  check(listen(listener, BACKLOG), "listen");
  check(getsockname(listener, (struct sockaddr *)&here, &length), "getsockname");
  check(bind(datagram_socket, (struct sockaddr *)&here, sizeof here), "bind UDP");
  printf("{\"event\":\"listening\",\"port\":%d}\n", ntohs(here.sin_port));
  fflush(stdout);
}

int main(void) {
  struct rlimit limit;
  check(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  alarm(LIFETIME_SECONDS);
  // sendfile cannot be told not to raise it.
  signal(SIGPIPE, SIG_IGN);
  check(epoll = epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  open_source_file();
  open_ports();
  watch(listener, EPOLLIN, EPOLL_CTL_ADD);
  watch(datagram_socket, EPOLLIN, EPOLL_CTL_ADD);
  watch(STDIN_FILENO, EPOLLIN, EPOLL_CTL_ADD);
  for (;;) {
    struct epoll_event events[MAX_EVENTS];
    int count = epoll_wait(epoll, events, MAX_EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) return 0;
      if (fd == listener) accept_all();
      else if (fd == datagram_socket) serve_datagrams();
      else if (!serve_stream(fd)) close(fd);
    }
  }
}
