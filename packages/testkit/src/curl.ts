import { missingProgramsReason } from "./find-program.ts";
import { runProgram } from "./process.ts";

export interface CurlResult {
  /** curl's own code: 7 refused, 22 HTTP error with --fail, 28 timeout, 52 empty reply, 56 broken, 97 proxy handshake. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** `stdout` as bytes. */
  readonly body: Buffer;
}

/** Proxy settings of the person running the tests must not decide where curl connects. */
const PROXY_VARIABLES = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/** Runs `curl --silent --show-error` with `args`, without the user's ~/.curlrc and proxy variables. Rejects only at the deadline. */
export async function runCurl(args: readonly string[], options: { readonly deadlineMs?: number } = {}): Promise<CurlResult> {
  const env = Object.fromEntries(PROXY_VARIABLES.map((name) => [name, undefined]));
  const { code, stdout, stderr } = await runProgram("curl", ["--disable", "--silent", "--show-error", ...args], { ...options, env });
  return { exitCode: code, stdout: stdout.toString(), stderr: stderr.toString(), body: stdout };
}

/** Why tests with curl cannot run here; throws instead where `CI` is set. */
export function curlMissingReason(): string | undefined {
  return missingProgramsReason(["curl"], "curl");
}
