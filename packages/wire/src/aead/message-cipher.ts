import type { Aead } from "./aead-contract.ts";

/** What OpenSSL has. */
export type OpensslAlgorithm = "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" | "chacha20-poly1305";

/** AES on single blocks, which is what GCM is made of. */
export type EcbAlgorithm = "aes-128-ecb" | "aes-192-ecb" | "aes-256-ecb";

/** Encrypts blocks each by itself. */
export interface BlockCipher {
  /** `src` is whole blocks, `dst` as long, another buffer. `key` has the algorithm's length. */
  encryptBlocks(algorithm: EcbAlgorithm, key: Buffer, src: Buffer, dst: Buffer): void;
}

/** `Aead.seal` and `Aead.open` of one key. */
export type KeyedMessages = Pick<Aead, "seal" | "open">;

/** Something that seals and opens single messages. */
export interface MessageCipher extends BlockCipher {
  /** What a message of two bytes costs is little: chunk lengths need no engine of their own before they come in numbers. */
  readonly isCheap: boolean;
  /** `key` has the algorithm's length. It is kept, not copied. */
  withKey(algorithm: OpensslAlgorithm, key: Buffer): KeyedMessages;
}
