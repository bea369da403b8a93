/** Where something is in memory; 0n is C's NULL. */
export type Address = bigint;

/**
 * The functions of OpenSSL 3 that a message takes. Numbers returned are 1 when it went well. Of those that would do, the ones with the fewest
 * arguments: beyond three, node:ffi takes twice as long.
 */
export interface OpensslFunctions {
  EVP_CIPHER_fetch(library: Address, algorithm: string, properties: Address): Address;
  EVP_CIPHER_CTX_new(): Address;
  EVP_EncryptInit(context: Address, cipher: Address, key: Address, nonce: Address): number;
  EVP_DecryptInit(context: Address, cipher: Address, key: Address, nonce: Address): number;
  EVP_CipherUpdate(context: Address, into: Address, written: Address, from: Address, length: number): number;
  EVP_CipherFinal_ex(context: Address, into: Address, written: Address): number;
  EVP_CIPHER_CTX_get_params(context: Address, parameters: Address): number;
  EVP_CIPHER_CTX_set_params(context: Address, parameters: Address): number;
}

/** OpenSSL as it is inside the node binary, without `node:crypto` in between. */
export interface OpensslCalls {
  readonly functions: OpensslFunctions;
  /** Of the first byte. Good for as long as the buffer is referenced and not detached. */
  addressOf(bytes: Uint8Array): Address;
}

interface Ffi {
  dlopen(path: null, definitions: object): { readonly functions: OpensslFunctions };
  getRawPointer(bytes: Uint8Array): Address;
}

const ADDRESS = "pointer";
const INT = "int32";

const INIT = { arguments: [ADDRESS, ADDRESS, ADDRESS, ADDRESS], return: INT };
const PARAMETERS = { arguments: [ADDRESS, ADDRESS], return: INT };

const SIGNATURES = {
  EVP_CIPHER_fetch: { arguments: [ADDRESS, "string", ADDRESS], return: ADDRESS },
  EVP_CIPHER_CTX_new: { arguments: [], return: ADDRESS },
  EVP_EncryptInit: INIT,
  EVP_DecryptInit: INIT,
  EVP_CipherUpdate: { arguments: [ADDRESS, ADDRESS, ADDRESS, ADDRESS, INT], return: INT },
  EVP_CipherFinal_ex: { arguments: [ADDRESS, ADDRESS, ADDRESS], return: INT },
  EVP_CIPHER_CTX_get_params: PARAMETERS,
  EVP_CIPHER_CTX_set_params: PARAMETERS,
} satisfies Record<keyof OpensslFunctions, object>;

/** Where C's structures look as they are laid out here. */
const ARCHITECTURES: readonly string[] = ["x64", "arm64"];

/**
 * By `node:ffi` (Node 26.1 on, experimental). Undefined where this Node has none, was started with --no-experimental-ffi, or has no OpenSSL 3 inside.
 */
export function findOpensslCalls(): OpensslCalls | undefined {
  if (!ARCHITECTURES.includes(process.arch)) return undefined;
  try {
    const ffi = loadQuietly();
    if (ffi === undefined) return undefined;
    return { functions: ffi.dlopen(null, SIGNATURES).functions, addressOf: ffi.getRawPointer };
  } catch {
    return undefined;
  }
}

/** Loading it warns on standard error that it is experimental, of which an operator has no use: docs/adr/0020 says what follows from it. */
function loadQuietly(): Ffi | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule?.("node:ffi") as unknown as Ffi | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}
