// Datagrams through one UDP association: echoed with W in flight, or one-way with at most W that the target has not acknowledged.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { RING = 1 << 16, HEADER = 10, LOST_AFTER_MS = 200, STALLED_AFTER_MS = 100, POLL_MS = 5 };

static unsigned char packets[DATAGRAM_BATCH][HEADER + MAX_DATAGRAM];
static struct mmsghdr messages[DATAGRAM_BATCH];
static uint64_t sent_count;

static int open_datagram_socket(uint16_t relay_port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), size = PORT_BUFFER;
  struct sockaddr_in relay = { .sin_family = AF_INET, .sin_port = htons(relay_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (fd < 0 || connect(fd, (struct sockaddr *)&relay, sizeof relay) < 0) die("datagram socket: %s", strerror(errno));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  return fd;
}

// RFC 1928 §7: two reserved bytes, fragment 0, then the address as in a request.
static void prepare_packets(const struct options *options, unsigned char kind) {
  static struct iovec parts[DATAGRAM_BATCH];
  for (int i = 0; i < DATAGRAM_BATCH; i++) {
    socks_request(packets[i], 0, INADDR_LOOPBACK, options->target_port);
    packets[i][0] = 0;
    packets[i][HEADER] = kind;
    parts[i] = (struct iovec){ .iov_base = packets[i], .iov_len = HEADER + (size_t)options->payload };
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
  }
}

// Sends up to `room` numbered datagrams; how many the kernel took.
static int send_numbered(int fd, uint64_t room) {
  unsigned count = room < DATAGRAM_BATCH ? (unsigned)room : DATAGRAM_BATCH;
  for (unsigned i = 0; i < count; i++) {
    uint64_t number = sent_count + i;
    memcpy(packets[i] + HEADER + NUMBER_AT, &number, sizeof number);
  }
  int sent = count == 0 ? 0 : sendmmsg(fd, messages, count, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) die("sending datagrams: %s", strerror(errno));
  if (sent > 0) sent_count += (uint64_t)sent;
  return sent > 0 ? sent : 0;
}

struct echo_state {
  uint64_t sent_ns[RING];   // by number; 0: settled
  uint64_t oldest, in_flight, answered, lost;
};

static void receive_echoes(struct echo_state *state, int fd, size_t length) {
  static unsigned char buffers[DATAGRAM_BATCH][HEADER + MAX_DATAGRAM];
  struct iovec parts[DATAGRAM_BATCH];
  struct mmsghdr received[DATAGRAM_BATCH] = { 0 };
  for (int i = 0; i < DATAGRAM_BATCH; i++) {
    parts[i] = (struct iovec){ .iov_base = buffers[i], .iov_len = sizeof buffers[i] };
    received[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
  }
  int count = recvmmsg(fd, received, DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < count; i++) {
    uint64_t number;
    if (received[i].msg_len != HEADER + length) die("an echo of %u bytes instead of %zu", received[i].msg_len, HEADER + length);
    memcpy(&number, buffers[i] + HEADER + NUMBER_AT, sizeof number);
    if (number < state->oldest || number >= sent_count || state->sent_ns[number % RING] == 0) continue;
    state->sent_ns[number % RING] = 0;
    state->in_flight--;
    state->answered++;
  }
}

static void give_up_old(struct echo_state *state, uint64_t now) {
  for (; state->oldest < sent_count; state->oldest++) {
    uint64_t *sent_ns = &state->sent_ns[state->oldest % RING];
    if (*sent_ns == 0) continue;
    if (now - *sent_ns < LOST_AFTER_MS * 1000000u) return;
    *sent_ns = 0;
    state->in_flight--;
    state->lost++;
  }
}

static void fill_flight(struct echo_state *state, const struct options *options, int fd) {
  uint64_t wanted = (uint64_t)options->connections;
  while (state->in_flight < wanted && sent_count - state->oldest < RING - DATAGRAM_BATCH) {
    uint64_t first = sent_count, now = now_ns();
    int sent = send_numbered(fd, wanted - state->in_flight);
    if (sent == 0) return;
    for (int i = 0; i < sent; i++) state->sent_ns[(first + (uint64_t)i) % RING] = now;
    state->in_flight += (uint64_t)sent;
  }
}

static void report(const struct window *window, uint64_t packets_done, uint64_t lost) {
  say_result(window, "\"packets\":%llu,\"lost\":%llu", (unsigned long long)packets_done, (unsigned long long)lost);
}

void run_datagram_echo(const struct options *options) {
  static struct echo_state state;
  uint16_t relay_port;
  open_association(options, &relay_port);
  int fd = open_datagram_socket(relay_port);
  prepare_packets(options, DATAGRAM_ECHO);
  struct window window = window_of(options);
  uint64_t answered_before = 0, lost_before = 0;
  for (;;) {
    enum edge edge = window_poll(&window);
    if (edge == EDGE_OPENED) answered_before = state.answered, lost_before = state.lost;
    if (edge == EDGE_CLOSED) {
      report(&window, state.answered - answered_before, state.lost - lost_before);
      return;
    }
    give_up_old(&state, now_ns());
    fill_flight(&state, options, fd);
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    if (poll(&waiting, 1, POLL_MS) > 0) receive_echoes(&state, fd, (size_t)options->payload);
  }
}

void run_datagram_flood(const struct options *options) {
  uint16_t relay_port;
  open_association(options, &relay_port);
  int fd = open_datagram_socket(relay_port), control = control_open(options);
  prepare_packets(options, DATAGRAM_ONE_WAY);
  struct window window = window_of(options);
  struct target_counts counts = control_query(control);
  const uint64_t first = counts.datagrams, wanted = (uint64_t)options->connections;
  uint64_t lost = 0, received_before = 0, lost_before = 0, moved_ns = now_ns();
  for (;;) {
    enum edge edge = window_poll(&window);
    if (edge != EDGE_NONE) counts = control_query(control);
    if (edge == EDGE_OPENED) received_before = counts.datagrams, lost_before = lost;
    if (edge == EDGE_CLOSED) {
      report(&window, counts.datagrams - received_before, lost - lost_before);
      return;
    }
    uint64_t settled = counts.datagrams - first + lost;
    // Late ones that were given up as lost make it more than was sent.
    uint64_t in_flight = settled < sent_count ? sent_count - settled : 0;
    if (in_flight < wanted && send_numbered(fd, wanted - in_flight) > 0) continue;
    struct pollfd waiting = { .fd = control, .events = POLLIN };
    if (poll(&waiting, 1, POLL_MS) > 0) {
      while (recv(control, &counts, sizeof counts, MSG_DONTWAIT) > 0) continue;
      moved_ns = now_ns();
    } else if (now_ns() - moved_ns > STALLED_AFTER_MS * 1000000u) {
      lost += in_flight;
      moved_ns = now_ns();
    }
  }
}
