#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "load.h"

enum { WAIT_SECONDS = 10, CONTROL_WAIT_MS = 500, CONTROL_TRIES = 6, ADDRESS_IPV4 = 1 };

const unsigned char socks_greeting[SOCKS_GREETING] = { 5, 1, 0 };

void socks_request(unsigned char request[SOCKS_REQUEST], int command, uint32_t host, uint16_t port) {
  uint32_t host_be = htonl(host);
  uint16_t port_be = htons(port);
  memcpy(request, (unsigned char[]){ 5, (unsigned char)command, 0, ADDRESS_IPV4 }, 4);
  memcpy(request + 4, &host_be, 4);
  memcpy(request + 8, &port_be, 2);
}

void write_all(int fd, const void *bytes, size_t length) {
  if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) die("sending %zu bytes: %s", length, strerror(errno));
}

void read_exactly(int fd, void *bytes, size_t length) {
  ssize_t got = recv(fd, bytes, length, MSG_WAITALL);
  if (got != (ssize_t)length) die("expected %zu bytes, got %zd: %s", length, got, got < 0 ? strerror(errno) : "end of stream");
}

void make_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) die("fcntl: %s", strerror(errno));
}

void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) die("getrlimit: %s", strerror(errno));
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) die("setrlimit: %s", strerror(errno));
}

static int request_of_proxy(const struct options *options, int command, uint32_t host, uint16_t port, unsigned char reply[SOCKS_REPLY]) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket: %s", strerror(errno));
  struct timeval wait = { .tv_sec = WAIT_SECONDS };
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct sockaddr_in proxy = { .sin_family = AF_INET, .sin_port = htons(options->proxy_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (connect(fd, (struct sockaddr *)&proxy, sizeof proxy) < 0) die("connecting to the proxy: %s", strerror(errno));
  unsigned char choice[SOCKS_CHOICE], request[SOCKS_REQUEST];
  write_all(fd, socks_greeting, sizeof socks_greeting);
  read_exactly(fd, choice, sizeof choice);
  socks_request(request, command, host, port);
  write_all(fd, request, sizeof request);
  read_exactly(fd, reply, SOCKS_REPLY);
  if (reply[1] != 0 || reply[3] != ADDRESS_IPV4) die("the proxy answered %d, address type %d", reply[1], reply[3]);
  return fd;
}

int open_through_proxy(const struct options *options) {
  unsigned char reply[SOCKS_REPLY];
  return request_of_proxy(options, SOCKS_CONNECT, INADDR_LOOPBACK, options->target_port, reply);
}

int open_association(const struct options *options, uint16_t *relay_port) {
  unsigned char reply[SOCKS_REPLY];
  int fd = request_of_proxy(options, SOCKS_ASSOCIATE, INADDR_ANY, 0, reply);
  uint16_t port_be;
  memcpy(&port_be, reply + 8, sizeof port_be);
  *relay_port = ntohs(port_be);
  return fd;
}

int control_open(const struct options *options) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in target = { .sin_family = AF_INET, .sin_port = htons(options->target_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  struct timeval wait = { .tv_usec = CONTROL_WAIT_MS * 1000 };
  if (fd < 0 || connect(fd, (struct sockaddr *)&target, sizeof target) < 0) die("control socket: %s", strerror(errno));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  return fd;
}

struct target_counts control_query(int control) {
  const unsigned char query[1] = { DATAGRAM_CONTROL };
  struct target_counts counts;
  // Acknowledgements look the same and may be older than the question.
  while (recv(control, &counts, sizeof counts, MSG_DONTWAIT) > 0) continue;
  for (int attempt = 0; attempt < CONTROL_TRIES; attempt++) {
    if (send(control, query, sizeof query, MSG_NOSIGNAL) < 0) die("asking the target: %s", strerror(errno));
    if (recv(control, &counts, sizeof counts, 0) == sizeof counts) return counts;
  }
  die("the target does not answer");
}
