import { readFileSync } from "node:fs";

/** EVP_BytesToKey with MD5: hex keys of 16 and 32 bytes. */
export interface KeyVector {
  readonly password: string;
  readonly k16: string;
  readonly k32: string;
}

/** One SIP004 method: a TCP stream of two chunks (address header, then payload) and one UDP packet. Hex. */
export interface Sip004Vector {
  readonly method: string;
  readonly password: string;
  readonly master_key: string;
  readonly salt: string;
  readonly subkey: string;
  /** `host:port`. */
  readonly target: string;
  readonly address_header: string;
  /** Plain text. */
  readonly payload: string;
  readonly tcp_stream: string;
  /** Salt, then length and payload of each chunk, sealed. */
  readonly tcp_parts: readonly string[];
  readonly udp_target: string;
  /** Plain text. */
  readonly udp_payload: string;
  readonly udp_packet: string;
}

/** One SIP022 method: request and response stream, UDP both ways. Hex; `_b64` is base64. */
export interface Sip022Vector {
  readonly method: string;
  readonly psk_b64: string;
  readonly request_salt: string;
  readonly request_session_subkey: string;
  /** Unix seconds. */
  readonly timestamp: number;
  /** `host:port`. */
  readonly target: string;
  readonly padding: number;
  /** Plain text, in the variable-length header. */
  readonly initial_payload: string;
  /** Plain text, in a chunk of its own. */
  readonly next_chunk: string;
  readonly request_stream: string;
  readonly response_salt: string;
  readonly response_session_subkey: string;
  readonly response_timestamp: number;
  readonly response_first_payload: string;
  readonly response_second_chunk: string;
  readonly response_stream: string;
  readonly udp: Sip022AesUdpVector | Sip022ChachaUdpVector;
  /** SIP023, for the AES method. */
  readonly eih?: IdentityVector;
}

/** UDP to 8.8.8.8:53 with payload "dnsq", without padding, at the stream's timestamp. */
export interface Sip022AesUdpVector {
  readonly client_session_id: string;
  readonly client_packet_id: number;
  readonly c2s_session_subkey: string;
  readonly c2s_main_header_and_payload: string;
  readonly c2s_packet: string;
  readonly server_session_id: string;
  readonly server_packet_id: number;
  readonly s2c_session_subkey: string;
  readonly s2c_packet: string;
}

export interface Sip022ChachaUdpVector {
  readonly c2s_nonce: string;
  readonly c2s_packet: string;
  readonly s2c_nonce: string;
  readonly s2c_packet: string;
}

/** SIP023 identity headers: the same stream and packet under one iPSK. */
export interface IdentityVector {
  readonly ipsk_b64: string;
  readonly upsk_b64: string;
  /** `iPSK:uPSK` as a client's configuration has it. */
  readonly client_password: string;
  readonly upsk_hash16: string;
  readonly tcp_identity_subkey: string;
  readonly tcp_identity_header: string;
  readonly request_stream: string;
  readonly udp_identity_header: string;
  readonly c2s_packet: string;
  readonly note: string;
}

export interface ShadowsocksVectors {
  readonly note: string;
  readonly evp_bytes_to_key: readonly KeyVector[];
  readonly sip004: readonly Sip004Vector[];
  readonly sip022: readonly Sip022Vector[];
}

/** The known answers of `vectors/shadowsocks.json`, field names as in the file. */
export const shadowsocksVectors: ShadowsocksVectors = JSON.parse(
  readFileSync(new URL("../vectors/shadowsocks.json", import.meta.url), "utf8"),
);

/** Bytes of a hex text; throws on anything else, where `Buffer.from` would stop silently. */
export function fromHex(hex: string): Buffer {
  if (!/^(?:[0-9a-f]{2})*$/i.test(hex)) throw new TypeError("not hex");
  return Buffer.from(hex, "hex");
}

/** The vector of one method; throws when there is none. */
export function vectorOf<V extends { readonly method: string }>(vectors: readonly V[], method: string): V {
  const vector = vectors.find((candidate) => candidate.method === method);
  if (!vector) throw new RangeError(`no vector for ${method}`);
  return vector;
}
