// Holds more and more connections that do nothing. Each one is used once when it opens and once more at the end: none may have been dropped.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { HELD_MAX = 65536 };

static void exchange(int fd) {
  unsigned char message[MESSAGE] = { WANT_ECHO };
  write_all(fd, message, sizeof message);
  read_exactly(fd, message, sizeof message);
}

static void await_word(void) {
  char line[16];
  if (fgets(line, sizeof line, stdin) == NULL) die("nobody waits any more");
}

void run_idle(const struct options *options) {
  static int held[HELD_MAX];
  int open = 0;
  raise_descriptor_limit();
  for (int step = 0; step < options->step_count; step++) {
    if (options->steps[step] > HELD_MAX) die("at most %d connections", HELD_MAX);
    while (open < options->steps[step]) {
      held[open] = open_through_proxy(options);
      exchange(held[open++]);
    }
    say("{\"event\":\"holding %d\"}", open);
    await_word();
  }
  int answered = 0;
  for (; answered < open; answered++) exchange(held[answered]);
  say("{\"event\":\"result\",\"open\":%d,\"answered\":%d}", open, answered);
}
