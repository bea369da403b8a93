// What the load generator's modes share: options, the measurement window, connections through a SOCKS5 proxy.
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum { MAX_STEPS = 8, MAX_CONNECTIONS = 1024, MAX_EVENTS = 256 };

struct options {
  uint16_t proxy_port;
  uint16_t target_port;
  int connections;        // held, or in flight
  int ramp_ms;            // before the window
  int window_ms;
  int rate;               // exchanges per second; 0: each connection sends as soon as it has its answer
  int payload;            // bytes of a datagram's payload
  int steps[MAX_STEPS];   // held connections, ascending
  int step_count;
};

// The time between "start" and "end", which are printed when they come so that whoever listens can read the CPU clocks of others.
struct window {
  uint64_t opens_ns, closes_ns;    // planned
  uint64_t opened_ns, closed_ns;   // as it was; 0: not yet
  uint64_t cpu_ns;                 // of this process; inside the window once it has closed
};

enum edge { EDGE_NONE, EDGE_OPENED, EDGE_CLOSED };

uint64_t now_ns(void);
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct window window_of(const struct options *options);
// Says, once each, that the window has opened or closed. The caller reads its counters at that moment.
enum edge window_poll(struct window *window);
// For epoll_wait: milliseconds until the next edge, rounded up.
int window_wait_ms(const struct window *window);
// Prints one line and flushes it.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Prints the result line: the window's length, this process's CPU time in it, and the mode's own fields (JSON, without braces).
void say_result(const struct window *window, const char *format, ...) __attribute__((format(printf, 2, 3)));

// SOCKS5 without authentication. The request carries the target on loopback, or 0.0.0.0:0 for an association.
enum { SOCKS_GREETING = 3, SOCKS_CHOICE = 2, SOCKS_REQUEST = 10, SOCKS_REPLY = 10, SOCKS_CONNECT = 1, SOCKS_ASSOCIATE = 3 };
extern const unsigned char socks_greeting[SOCKS_GREETING];
void socks_request(unsigned char request[SOCKS_REQUEST], int command, uint32_t host, uint16_t port);

// A blocking connection through the proxy, established; both wait at most 10 s.
int open_through_proxy(const struct options *options);
// A control connection and, in *relay_port, where on loopback the proxy takes datagrams.
int open_association(const struct options *options, uint16_t *relay_port);
void write_all(int fd, const void *bytes, size_t length);
void read_exactly(int fd, void *bytes, size_t length);
void make_nonblocking(int fd);
// Lets this process hold as many descriptors as the hard limit allows.
void raise_descriptor_limit(void);

// The target's own view, asked past the proxies. `control_open` also makes the caller the one who gets acknowledgements.
int control_open(const struct options *options);
struct target_counts control_query(int control);

void run_bulk(const struct options *options, bool up);
void run_connections(const struct options *options);
void run_exchanges(const struct options *options);
void run_idle(const struct options *options);
void run_datagram_echo(const struct options *options);
void run_datagram_flood(const struct options *options);

#endif
