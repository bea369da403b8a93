#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "load.h"

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t cpu_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

void say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
  fflush(stdout);
}

struct window window_of(const struct options *options) {
  uint64_t opens = now_ns() + (uint64_t)options->ramp_ms * 1000000u;
  return (struct window){ .opens_ns = opens, .closes_ns = opens + (uint64_t)options->window_ms * 1000000u };
}

enum edge window_poll(struct window *window) {
  uint64_t now = now_ns();
  if (window->opened_ns == 0 && now >= window->opens_ns) {
    window->opened_ns = now;
    window->cpu_ns = cpu_now_ns();
    say("{\"event\":\"start\"}");
    return EDGE_OPENED;
  }
  if (window->opened_ns != 0 && window->closed_ns == 0 && now >= window->closes_ns) {
    window->closed_ns = now;
    window->cpu_ns = cpu_now_ns() - window->cpu_ns;
    say("{\"event\":\"end\"}");
    return EDGE_CLOSED;
  }
  return EDGE_NONE;
}

int window_wait_ms(const struct window *window) {
  uint64_t now = now_ns();
  uint64_t next = window->opened_ns == 0 ? window->opens_ns : window->closes_ns;
  return next <= now ? 0 : (int)((next - now + 999999u) / 1000000u);
}

void say_result(const struct window *window, const char *format, ...) {
  va_list args;
  va_start(args, format);
  printf("{\"event\":\"result\",\"seconds\":%.6f,\"cpuSeconds\":%.6f,", (double)(window->closed_ns - window->opened_ns) / 1e9,
         (double)window->cpu_ns / 1e9);
  vprintf(format, args);
  puts("}");
  fflush(stdout);
  va_end(args);
}
