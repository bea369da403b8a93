import { peerMissingReason } from "@shadowfleet/testkit";

/** Every method that both we and shadowsocks-libev 3.3.5 have. SIP022 is not among them: libev does not speak it. */
export const PEER_METHODS = [
  "aes-128-gcm",
  "aes-192-gcm",
  "aes-256-gcm",
  "chacha20-ietf-poly1305",
  "xchacha20-ietf-poly1305",
  "aes-256-cfb",
  "aes-128-ctr",
  "chacha20",
  "chacha20-ietf",
  "salsa20",
  "rc4-md5",
] as const;

export const SECRET = "a password for every method";

const reason = peerMissingReason();

/** Options of a test that needs shadowsocks-libev: skipped, with the reason, where it is missing. */
export const NEEDS_PEER = reason === undefined ? {} : { skip: reason };
