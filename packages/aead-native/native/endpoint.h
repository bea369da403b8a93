#ifndef SHADOWFLEET_ENDPOINT_H
#define SHADOWFLEET_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Address and port as JavaScript has them, in an Int32Array. An IPv4 address is the IPv6 address that stands for it (RFC 4291 §2.5.5.2). */
struct endpoint {
  int32_t port;
  /* Interface of a link-local address; 0: none. */
  uint32_t scope;
  uint8_t address[16];
};

#define ENDPOINT_WORDS 6

union socket_address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

struct endpoint endpoint_of(const union socket_address *address);

/* For a socket of the given family. Returns the length, or 0 when the family has no such address. */
socklen_t endpoint_address(const struct endpoint *endpoint, int family, union socket_address *address);

/* Reads a literal address, IPv6 also with its zone ("fe80::1%eth0"); leaves the port alone. */
bool endpoint_parse(const char *text, struct endpoint *endpoint);

#define LONGEST_HOST 128

/* The literal address, IPv4 as itself. */
void endpoint_host(const struct endpoint *endpoint, char text[LONGEST_HOST]);

#endif
