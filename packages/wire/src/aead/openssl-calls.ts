import { type Address, type Ffi, findFfi } from "../ffi.ts";

/**
 * The functions of OpenSSL 3 that a message takes; most return 1 when it went well. A length is passed as if it were an address, which in a register is the
 * same: an integer among the arguments keeps V8 from doing without an array of them, so that a call takes three times as long and leaves 90 bytes of garbage.
 */
export interface OpensslFunctions {
  EVP_CIPHER_fetch(library: Address, algorithm: string, properties: Address): Address;
  EVP_CIPHER_CTX_new(): Address;
  EVP_EncryptInit(context: Address, cipher: Address, key: Address, nonce: Address): number;
  EVP_DecryptInit(context: Address, cipher: Address, key: Address, nonce: Address): number;
  EVP_CipherUpdate(context: Address, into: Address, written: Address, from: Address, length: Address): number;
  EVP_CipherFinal_ex(context: Address, into: Address, written: Address): number;
  EVP_CIPHER_CTX_get_params(context: Address, parameters: Address): number;
  EVP_CIPHER_CTX_set_params(context: Address, parameters: Address): number;
}

/** OpenSSL as it is inside the node binary, without `node:crypto` in between. */
export interface OpensslCalls {
  readonly functions: OpensslFunctions;
  readonly addressOf: Ffi["getRawPointer"];
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
  EVP_CipherUpdate: { arguments: [ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS], return: INT },
  EVP_CipherFinal_ex: { arguments: [ADDRESS, ADDRESS, ADDRESS], return: INT },
  EVP_CIPHER_CTX_get_params: PARAMETERS,
  EVP_CIPHER_CTX_set_params: PARAMETERS,
} satisfies Record<keyof OpensslFunctions, object>;

/** Undefined where there is no `node:ffi`, or no OpenSSL 3 inside this Node. */
export function findOpensslCalls(): OpensslCalls | undefined {
  const ffi = findFfi();
  if (ffi === undefined) return undefined;
  try {
    return { functions: ffi.dlopen<OpensslFunctions>(null, SIGNATURES).functions, addressOf: ffi.getRawPointer };
  } catch {
    return undefined;
  }
}
