/** Why no connection came about, for a person. */
export interface Unreachable {
  readonly reason: string;
  /** What to look at. */
  readonly hints: readonly string[];
}

/** What was tried. */
export interface Attempt {
  readonly address: string;
  readonly isDefaultAddress: boolean;
}

interface Cause {
  readonly pattern: RegExp;
  readonly reason: string;
  readonly hint?: string;
}

const START_HINT = "Is management running? `shadowfleet standalone` and `shadowfleet management` listen on 127.0.0.1:9190 by default.";
const ADDRESS_HINT = "Another address: --server HOST:PORT, SHADOWFLEET_SERVER, or `server` in the settings file.";

/** First match wins. The texts are those of Node.js, OpenSSL and grpc-js. */
const CAUSES: readonly Cause[] = [
  { pattern: /ECONNREFUSED/, reason: "connection refused" },
  { pattern: /name resolution failed|ENOTFOUND|EAI_AGAIN/i, reason: "the name does not resolve" },
  { pattern: /EHOSTUNREACH|ENETUNREACH/, reason: "the network does not reach it" },
  { pattern: /ETIMEDOUT|deadline exceeded/i, reason: "it does not answer" },
  {
    pattern: /wrong version number/,
    reason: "it does not speak TLS",
    hint: "A management on loopback is plaintext unless configured otherwise: leave out --ca.",
  },
  {
    pattern: /certificate required|bad certificate|handshake failure/i,
    reason: "it asks for a client certificate, or another one",
    hint: "Give it with --cert FILE --cert-key FILE.",
  },
  {
    pattern: /ALTNAME_INVALID/,
    reason: "its certificate is for another name",
    hint: "Connect by a name in the certificate, or tell it with --server-name NAME.",
  },
  {
    pattern: /self-signed|unable to (?:verify|get)|certificate/i,
    reason: "its certificate is not from an authority that is trusted here",
    hint: "Name the authority's file with --ca FILE.",
  },
  {
    pattern: /Failed to connect|Protocol error|ECONNRESET|socket hang up/i,
    reason: "something answers, but not as management does",
    hint: "If it wants TLS, name its authority with --ca FILE.",
  },
];

/** Puts the text of a failed connection into words. */
export function explainUnreachable(details: string, { isDefaultAddress }: Attempt): Unreachable {
  const cause = CAUSES.find(({ pattern }) => pattern.test(details));
  if (cause?.hint !== undefined) return { reason: cause.reason, hints: [cause.hint] };
  const hints = isDefaultAddress ? [START_HINT, ADDRESS_HINT] : ["Is management running there, and is the address right?"];
  return { reason: cause?.reason ?? details, hints };
}
