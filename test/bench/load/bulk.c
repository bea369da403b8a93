// N connections that carry as much as they can, in one direction.
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { STEP = 1 << 20, LOW_WATER = 64 << 10 };

static int open_source_file(void) {
  int file = memfd_create("source", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, STEP) < 0) die("memfd: %s", strerror(errno));
  static unsigned char pattern[STEP];
  for (size_t i = 0; i < STEP; i++) pattern[i] = (unsigned char)(i * 31 + (i >> 8));
  if (write(file, pattern, STEP) != STEP) die("memfd: %s", strerror(errno));
  return file;
}

static void open_connections(const struct options *options, int epoll, bool up) {
  const unsigned char want = up ? WANT_UP : WANT_DOWN;
  const int low_water = LOW_WATER;
  for (int i = 0; i < options->connections; i++) {
    int fd = open_through_proxy(options);
    write_all(fd, &want, 1);
    // Fewer and larger reads: the generator must not be what is measured.
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
    make_nonblocking(fd);
    struct epoll_event event = { .events = up ? EPOLLOUT : EPOLLIN, .data.fd = fd };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl: %s", strerror(errno));
  }
}

// Bytes moved. Neither way are they copied in this process: sendfile lends the pages, MSG_TRUNC drops what has come.
static uint64_t move_bytes(int fd, int source, bool up) {
  static unsigned char unused[STEP];
  off_t at = 0;
  ssize_t moved = up ? sendfile(fd, source, &at, STEP) : recv(fd, unused, STEP, MSG_TRUNC);
  if (moved > 0) return (uint64_t)moved;
  if (moved < 0 && errno == EAGAIN) return 0;
  die("a connection ended early: %s", moved < 0 ? strerror(errno) : "end of stream");
}

void run_bulk(const struct options *options, bool up) {
  int epoll = epoll_create1(EPOLL_CLOEXEC), control = control_open(options), source = open_source_file();
  open_connections(options, epoll, up);
  struct window window = window_of(options);
  struct epoll_event events[MAX_EVENTS];
  uint64_t moved = 0, before = 0;
  for (;;) {
    enum edge edge = window_poll(&window);
    if (edge != EDGE_NONE) {
      // Up, what the target has counts: megabytes may still be on the way.
      uint64_t total = up ? control_query(control).stream_bytes : moved;
      if (edge == EDGE_CLOSED) {
        say_result(&window, "\"bytes\":%llu", (unsigned long long)(total - before));
        return;
      }
      before = total;
    }
    int count = epoll_wait(epoll, events, MAX_EVENTS, window_wait_ms(&window));
    for (int i = 0; i < count; i++) moved += move_bytes(events[i].data.fd, source, up);
  }
}
