// Short connections, N in flight: connect, SOCKS5 handshake, 1 KiB request, 1 KiB answer, close.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { FAILURES_MAX = 100 };

enum stage { CONNECTING, GREETED, REQUESTED, EXCHANGING };

struct visit {
  int fd;
  enum stage stage;
  size_t got;  // of what the stage waits for
  unsigned char bytes[MESSAGE];
};

static uint64_t completed, failed;

static void begin(struct visit *visit, const struct options *options, int epoll) {
  int on = 1;
  visit->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (visit->fd < 0) die("socket: %s", strerror(errno));
  setsockopt(visit->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  visit->stage = CONNECTING;
  visit->got = 0;
  struct sockaddr_in proxy = { .sin_family = AF_INET, .sin_port = htons(options->proxy_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (connect(visit->fd, (struct sockaddr *)&proxy, sizeof proxy) < 0 && errno != EINPROGRESS) die("connect: %s", strerror(errno));
  // Edge-triggered for both: one registration for the whole life of the connection.
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = visit };
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, visit->fd, &event) < 0) die("epoll_ctl: %s", strerror(errno));
}

// 1: all there, 0: not yet, -1: the connection is over.
static int receive(struct visit *visit, size_t wanted) {
  while (visit->got < wanted) {
    ssize_t got = recv(visit->fd, visit->bytes + visit->got, wanted - visit->got, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) return -1;
    visit->got += (size_t)got;
  }
  visit->got = 0;
  return 1;
}

static int send_whole(struct visit *visit, const void *bytes, size_t length) {
  ssize_t sent = send(visit->fd, bytes, length, MSG_NOSIGNAL);
  if (visit->stage == CONNECTING && sent < 0 && errno == EAGAIN) return 0;
  return sent == (ssize_t)length ? 1 : -1;
}

// As far as it goes; the same three answers.
static int advance(struct visit *visit, const struct options *options) {
  static const unsigned char message[MESSAGE] = { WANT_ECHO };
  unsigned char request[SOCKS_REQUEST];
  int outcome = 1;
  while (outcome == 1) {
    if (visit->stage == CONNECTING) {
      outcome = send_whole(visit, socks_greeting, sizeof socks_greeting);
    } else if (visit->stage == GREETED) {
      outcome = receive(visit, SOCKS_CHOICE);
      socks_request(request, SOCKS_CONNECT, INADDR_LOOPBACK, options->target_port);
      if (outcome == 1) outcome = send_whole(visit, request, sizeof request);
    } else if (visit->stage == REQUESTED) {
      outcome = receive(visit, SOCKS_REPLY);
      if (outcome == 1) outcome = visit->bytes[1] == 0 ? send_whole(visit, message, sizeof message) : -1;
    } else {
      return receive(visit, MESSAGE);
    }
    if (outcome == 1) visit->stage++;
  }
  return outcome;
}

void run_connections(const struct options *options) {
  static struct visit visits[MAX_CONNECTIONS];
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < options->connections; i++) begin(&visits[i], options, epoll);
  struct window window = window_of(options);
  struct epoll_event events[MAX_EVENTS];
  uint64_t before = 0, failed_before = 0;
  for (;;) {
    enum edge edge = window_poll(&window);
    if (edge == EDGE_OPENED) before = completed, failed_before = failed;
    if (edge == EDGE_CLOSED) {
      say_result(&window, "\"connections\":%llu,\"failed\":%llu", (unsigned long long)(completed - before),
                 (unsigned long long)(failed - failed_before));
      return;
    }
    int count = epoll_wait(epoll, events, MAX_EVENTS, window_wait_ms(&window));
    for (int i = 0; i < count; i++) {
      struct visit *visit = events[i].data.ptr;
      int outcome = advance(visit, options);
      if (outcome == 0) continue;
      if (outcome == 1) completed++;
      else if (++failed > FAILURES_MAX) die("%d connections failed", FAILURES_MAX);
      close(visit->fd);
      begin(visit, options, epoll);
    }
  }
}
