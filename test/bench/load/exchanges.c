// 1 KiB requests and answers on connections that stay: as fast as they go, or at a fixed rate with the time from when each was due.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load.h"

enum { PENDING_MAX = 512, STRAGGLERS_MS = 500, SAMPLES_MAX = 1 << 22 };

struct line {
  int fd;
  uint64_t next, answered;        // numbers of messages
  uint64_t due_ns[PENDING_MAX];   // by number
  size_t got;
  unsigned char bytes[MESSAGE];
};

static struct line lines[MAX_CONNECTIONS];
static struct window window;
static uint64_t exchanges, outstanding;
static uint64_t *samples;
static size_t sample_count;

static void send_message(struct line *line, uint64_t due_ns) {
  unsigned char message[MESSAGE] = { WANT_ECHO };
  if (line->next - line->answered == PENDING_MAX) die("the proxy does not keep up with the rate");
  memcpy(message + NUMBER_AT, &line->next, sizeof line->next);
  line->due_ns[line->next++ % PENDING_MAX] = due_ns;
  outstanding++;
  write_all(line->fd, message, sizeof message);
}

static void take_answer(struct line *line, bool keep_going) {
  uint64_t number, now = now_ns();
  memcpy(&number, line->bytes + NUMBER_AT, sizeof number);
  if (number != line->answered) die("answer %llu came for %llu", (unsigned long long)number, (unsigned long long)line->answered);
  uint64_t due_ns = line->due_ns[line->answered++ % PENDING_MAX];
  outstanding--;
  exchanges++;
  // By when it was due, not by when it could be sent: a stall must show in every request it held up.
  bool is_inside = window.opened_ns != 0 && due_ns >= window.opened_ns && (window.closed_ns == 0 || due_ns < window.closed_ns);
  if (is_inside && sample_count < SAMPLES_MAX) samples[sample_count++] = now > due_ns ? now - due_ns : 0;
  if (keep_going) send_message(line, now);
}

static void receive(struct line *line, bool keep_going) {
  for (;;) {
    ssize_t got = recv(line->fd, line->bytes + line->got, MESSAGE - line->got, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) die("a connection ended early: %s", got < 0 ? strerror(errno) : "end of stream");
    line->got += (size_t)got;
    if (line->got < MESSAGE) continue;
    line->got = 0;
    take_answer(line, keep_going);
  }
}

static int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static double percentile_us(double share) {
  if (sample_count == 0) die("no answer came inside the window");
  size_t at = (size_t)(share * (double)sample_count);
  return (double)samples[at < sample_count ? at : sample_count - 1] / 1e3;
}

static void report(uint64_t counted) {
  qsort(samples, sample_count, sizeof *samples, by_size);
  say_result(&window, "\"exchanges\":%llu,\"unanswered\":%llu,\"p50Us\":%.1f,\"p99Us\":%.1f,\"p999Us\":%.1f", (unsigned long long)counted,
             (unsigned long long)outstanding, percentile_us(0.5), percentile_us(0.99), percentile_us(0.999));
}

static void watch(int epoll, int fd, void *who) {
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = who };
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl: %s", strerror(errno));
}

// Sends what is due and sets the timer for what is due next.
static uint64_t send_due(const struct options *options, uint64_t next_due_ns, int timer) {
  static uint64_t turn;
  while (next_due_ns <= now_ns()) {
    send_message(&lines[turn++ % (uint64_t)options->connections], next_due_ns);
    next_due_ns += 1000000000u / (uint64_t)options->rate;
  }
  struct itimerspec due = { .it_value = { .tv_sec = (time_t)(next_due_ns / 1000000000u), .tv_nsec = (long)(next_due_ns % 1000000000u) } };
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &due, NULL);
  return next_due_ns;
}

void run_exchanges(const struct options *options) {
  int epoll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  samples = malloc(SAMPLES_MAX * sizeof *samples);
  if (epoll < 0 || timer < 0 || samples == NULL) die("setting up: %s", strerror(errno));
  watch(epoll, timer, NULL);
  for (int i = 0; i < options->connections; i++) {
    lines[i].fd = open_through_proxy(options);
    make_nonblocking(lines[i].fd);
    watch(epoll, lines[i].fd, &lines[i]);
  }
  window = window_of(options);
  bool is_closed_loop = options->rate == 0;
  for (int i = 0; is_closed_loop && i < options->connections; i++) send_message(&lines[i], now_ns());
  uint64_t next_due_ns = now_ns(), before = 0, counted = 0;
  struct epoll_event events[MAX_EVENTS];
  for (;;) {
    enum edge edge = window_poll(&window);
    if (edge == EDGE_OPENED) before = exchanges;
    if (edge == EDGE_CLOSED) counted = exchanges - before;
    bool is_over = window.closed_ns != 0;
    if (is_over && (outstanding == 0 || now_ns() > window.closed_ns + STRAGGLERS_MS * 1000000u)) {
      report(counted);
      return;
    }
    if (!is_closed_loop && !is_over) next_due_ns = send_due(options, next_due_ns, timer);
    int count = epoll_wait(epoll, events, MAX_EVENTS, is_over ? 10 : window_wait_ms(&window));
    uint64_t expirations;
    for (int i = 0; i < count; i++) {
      struct line *line = events[i].data.ptr;
      if (line != NULL) receive(line, is_closed_loop && !is_over);
      else if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN) die("timer: %s", strerror(errno));
    }
  }
}
