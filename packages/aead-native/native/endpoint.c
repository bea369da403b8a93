#include "endpoint.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_ipv4(const struct endpoint *endpoint) { return memcmp(endpoint->address, MAPPED, sizeof MAPPED) == 0; }

struct endpoint endpoint_of(const union socket_address *address) {
  struct endpoint endpoint = {0};
  if (address->any.sa_family == AF_INET) {
    endpoint.port = ntohs(address->ipv4.sin_port);
    memcpy(endpoint.address, MAPPED, sizeof MAPPED);
    memcpy(endpoint.address + sizeof MAPPED, &address->ipv4.sin_addr, sizeof address->ipv4.sin_addr);
  } else if (address->any.sa_family == AF_INET6) {
    endpoint.port = ntohs(address->ipv6.sin6_port);
    endpoint.scope = address->ipv6.sin6_scope_id;
    memcpy(endpoint.address, &address->ipv6.sin6_addr, sizeof endpoint.address);
  }
  return endpoint;
}

socklen_t endpoint_address(const struct endpoint *endpoint, int family, union socket_address *address) {
  *address = (union socket_address){0};
  uint16_t port = htons((uint16_t)endpoint->port);
  if (family == AF_INET) {
    if (!is_ipv4(endpoint)) return 0;
    address->ipv4.sin_family = AF_INET;
    address->ipv4.sin_port = port;
    memcpy(&address->ipv4.sin_addr, endpoint->address + sizeof MAPPED, sizeof address->ipv4.sin_addr);
    return sizeof address->ipv4;
  }
  address->ipv6.sin6_family = AF_INET6;
  address->ipv6.sin6_port = port;
  address->ipv6.sin6_scope_id = endpoint->scope;
  memcpy(&address->ipv6.sin6_addr, endpoint->address, sizeof endpoint->address);
  return sizeof address->ipv6;
}

bool endpoint_parse(const char *text, struct endpoint *endpoint) {
  union socket_address address = {0};
  if (uv_ip4_addr(text, 0, &address.ipv4) != 0 && uv_ip6_addr(text, 0, &address.ipv6) != 0) return false;
  int32_t port = endpoint->port;
  *endpoint = endpoint_of(&address);
  endpoint->port = port;
  return true;
}

void endpoint_host(const struct endpoint *endpoint, char text[LONGEST_HOST]) {
  text[0] = '\0';
  if (is_ipv4(endpoint)) {
    uv_inet_ntop(AF_INET, endpoint->address + sizeof MAPPED, text, LONGEST_HOST);
    return;
  }
  uv_inet_ntop(AF_INET6, endpoint->address, text, LONGEST_HOST);
  size_t length = strlen(text);
  size_t room = LONGEST_HOST - length - 1;
  if (endpoint->scope == 0 || room == 0) return;
  if (uv_if_indextoiid(endpoint->scope, text + length + 1, &room) == 0) text[length] = '%';
}
