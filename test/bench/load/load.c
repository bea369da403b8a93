// load MODE name=value…: one run through a SOCKS5 proxy on loopback. Prints JSON lines; ends by itself, at the latest when its time is up.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

enum { SPARE_SECONDS = 120 };

static int number(const char *name, const char *text, int min, int max) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < min || value > max) die("%s must be a number from %d to %d", name, min, max);
  return (int)value;
}

static void read_steps(struct options *options, char *text) {
  for (char *step = strtok(text, ","); step != NULL; step = strtok(NULL, ",")) {
    if (options->step_count == MAX_STEPS) die("at most %d steps", MAX_STEPS);
    options->steps[options->step_count++] = number("steps", step, 1, 65536);
  }
}

static void read_option(struct options *options, char *text) {
  char *value = strchr(text, '=');
  if (value == NULL) die("%s is not name=value", text);
  *value++ = '\0';
  if (strcmp(text, "proxy") == 0) options->proxy_port = (uint16_t)number(text, value, 1, 65535);
  else if (strcmp(text, "target") == 0) options->target_port = (uint16_t)number(text, value, 1, 65535);
  else if (strcmp(text, "connections") == 0) options->connections = number(text, value, 1, MAX_CONNECTIONS);
  else if (strcmp(text, "ramp-ms") == 0) options->ramp_ms = number(text, value, 0, 60000);
  else if (strcmp(text, "window-ms") == 0) options->window_ms = number(text, value, 1, 60000);
  else if (strcmp(text, "rate") == 0) options->rate = number(text, value, 0, 1000000);
  else if (strcmp(text, "payload") == 0) options->payload = number(text, value, NUMBER_END, MAX_DATAGRAM);
  else if (strcmp(text, "steps") == 0) read_steps(options, value);
  else die("there is no option %s", text);
}

int main(int count, char **words) {
  struct options options = { .connections = 1, .ramp_ms = 500, .window_ms = 1000, .payload = 512 };
  if (count < 2) die("usage: load MODE name=value…");
  for (int i = 2; i < count; i++) read_option(&options, words[i]);
  if (options.proxy_port == 0 || options.target_port == 0) die("proxy= and target= are required");
  signal(SIGPIPE, SIG_IGN);
  alarm((unsigned)(options.ramp_ms + options.window_ms) / 1000 + SPARE_SECONDS);
  const char *mode = words[1];
  if (strcmp(mode, "bulk-down") == 0) run_bulk(&options, false);
  else if (strcmp(mode, "bulk-up") == 0) run_bulk(&options, true);
  else if (strcmp(mode, "connections") == 0) run_connections(&options);
  else if (strcmp(mode, "exchanges") == 0) run_exchanges(&options);
  else if (strcmp(mode, "idle") == 0) run_idle(&options);
  else if (strcmp(mode, "udp-echo") == 0) run_datagram_echo(&options);
  else if (strcmp(mode, "udp-one-way") == 0) run_datagram_flood(&options);
  else die("there is no mode %s", mode);
  return 0;
}
