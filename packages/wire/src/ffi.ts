/** Where something is in memory; 0n is C's NULL. */
export type Address = bigint;

/** What is used of `node:ffi` (Node 26.1 on, experimental). It takes addresses on trust. */
export interface Ffi {
  /** C functions of this process, by their signatures: of the node binary and of what it is linked to. Throws where one is missing. */
  dlopen<Functions>(path: null, signatures: Record<keyof Functions, object>): { readonly functions: Functions };
  /** Of the first byte. Good for as long as the buffer is referenced and not detached. */
  getRawPointer(bytes: Uint8Array): Address;
  getInt32(at: Address): number;
}

/** Where C's structures look as they are laid out here. */
const ARCHITECTURES: readonly string[] = ["x64", "arm64"];

/** Undefined where this Node has none, or was started with --no-experimental-ffi. */
export function findFfi(): Ffi | undefined {
  if (!ARCHITECTURES.includes(process.arch)) return undefined;
  try {
    return loadQuietly();
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
