#ifndef SHADOWFLEET_SUBKEY_H
#define SHADOWFLEET_SUBKEY_H

#include <stddef.h>
#include <stdint.h>

/* A salt is an HMAC key and fits one SHA-1 block. */
#define LONGEST_SALT 64

/* SIP004: HKDF-SHA1(key, salt, "ss-subkey"), as long as the key, which has at most 40 bytes. */
void derive_subkey(const uint8_t *key, size_t key_length, const uint8_t *salt, size_t salt_length, uint8_t *subkey);

#endif
