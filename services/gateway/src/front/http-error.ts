import { STATUS_CODES } from "node:http";
import { type ErrorCode, errorEntry } from "@shadowfleet/runtime";

const PROXY_AUTHENTICATION_REQUIRED = 407;

export interface HttpErrorOptions {
  /** Instead of the code's own status. */
  readonly status?: number;
  /** What to tell the client instead of the code's description. Latin1, one line. */
  readonly detail?: string;
  /** The answer to a HEAD request has no body. */
  readonly withoutBody?: boolean;
}

/** An answer that names the error code, in X-Shadowfleet-Error and in a one-line text body. The connection closes behind it. */
export function httpError(code: ErrorCode, options: HttpErrorOptions = {}): Buffer {
  const entry = errorEntry(code);
  const status = options.status ?? entry.httpStatus;
  const body = `${code}: ${options.detail ?? entry.description}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Connection: close",
    `X-Shadowfleet-Error: ${code}`,
  ];
  if (status === PROXY_AUTHENTICATION_REQUIRED) lines.push('Proxy-Authenticate: Basic realm="shadowfleet", charset="UTF-8"');
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${options.withoutBody ? "" : body}`, "latin1");
}
