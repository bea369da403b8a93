import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { NativeSockets } from "./native-sockets.ts";

/** Where `build.mjs` puts the addon, with a stamp beside it. */
export const ADDON_PATH = join(import.meta.dirname, "../build/aead.node");

/** `INTERFACE_VERSION` of native/addon.c. */
export const INTERFACE_VERSION = 5;

/** Algorithms by their place in native/cipher.c. */
export const NATIVE_ALGORITHMS = ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-poly1305"] as const;

/** What `openChunks` returns, by its place in native/cipher.h. */
export const NATIVE_VERDICTS = ["ok", "AUTH_FAILED", "BAD_HEADER"] as const;

/**
 * The functions of native/addon.c. Those that encrypt keep nothing between calls, check every argument (TypeError, RangeError) and otherwise do what `Aead`
 * says. `key` has the algorithm's length, `nonce` 12 bytes. With a `salt`, `key` is the master key of the subkey that is used.
 */
export interface NativeAddon extends NativeSockets {
  seal(
    algorithm: number,
    key: Buffer,
    nonce: Buffer,
    salt: Buffer | undefined,
    src: Buffer,
    start: number,
    end: number,
    dst: Buffer,
    at: number,
  ): boolean;
  /** With a `subkey`, which goes with a `salt`, the subkey is written there. */
  open(
    algorithm: number,
    key: Buffer,
    nonce: Buffer,
    salt: Buffer | undefined,
    src: Buffer,
    start: number,
    end: number,
    dst: Buffer,
    at: number,
    subkey?: Buffer,
  ): boolean;
  sealChunks(
    algorithm: number,
    key: Buffer,
    nonce: Buffer,
    maxChunk: number,
    src: Buffer,
    start: number,
    end: number,
    dst: Buffer,
    at: number,
  ): number;
  /** `state`: payloadLength, consumed, written, as in `ChunkRun`. Returns a place in NATIVE_VERDICTS. */
  openChunks(
    algorithm: number,
    key: Buffer,
    nonce: Buffer,
    maxChunk: number,
    src: Buffer,
    start: number,
    end: number,
    dst: Buffer,
    at: number,
    state: Int32Array,
  ): number;
  /** Writes the subkey of a master key and a salt. */
  deriveSubkey(key: Buffer, salt: Buffer, subkey: Buffer): void;
}

/** Loads the addon into this thread. Throws an Error that says in one line why it cannot be used. */
export function loadAddon(path: string): NativeAddon {
  // A file that was cut short would end the process inside the dynamic loader instead of failing to load.
  if (!isComplete(path)) throw new Error("its file is not what was built");
  let loaded: NativeAddon & { readonly version?: number };
  try {
    loaded = createRequire(import.meta.url)(path);
  } catch (error) {
    const [line] = (error as Error).message.split("\n");
    throw new Error(`it cannot be loaded: ${line}`, { cause: error });
  }
  if (loaded.version !== INTERFACE_VERSION) {
    throw new Error(`it was built from other sources (interface ${loaded.version}, not ${INTERFACE_VERSION})`);
  }
  return loaded;
}

function isComplete(path: string): boolean {
  try {
    const [, expected] = readFileSync(`${path}.stamp`, "utf8").trim().split(" ");
    return createHash("sha256").update(readFileSync(path)).digest("hex") === expected;
  } catch {
    return false;
  }
}
