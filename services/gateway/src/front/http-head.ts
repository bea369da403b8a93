const SPACE = 0x20;
const TAB = 0x09;
const DEL = 0x7f;

/** tchar (RFC 9110 §5.6.2), by code. */
const TOKEN = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") TOKEN[char.charCodeAt(0)] = 1;

/** One header line. `name` is lower case, `line` the whole line as it came, without CRLF. */
export interface HttpField {
  readonly name: string;
  readonly value: string;
  readonly line: string;
}

/** A start line and its header fields. All text is latin1: one character is one byte. */
export interface HttpHead {
  readonly startLine: string;
  readonly fields: readonly HttpField[];
}

/** The start line of a request, split. */
export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly version: "HTTP/1.0" | "HTTP/1.1";
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

/** Whether a field value or reason phrase has only visible characters, obs-text, spaces and tabs. */
function isFieldText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < SPACE && code !== TAB) || code === DEL) return false;
  }
  return true;
}

/** Whether a request target has only visible characters; bytes above 127 pass, as old clients send raw paths. */
function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= SPACE || code === DEL) return false;
  }
  return text.length > 0;
}

/** RFC 9112 §5: a token, a colon right behind it, a value. Folded lines and blanks before the colon are refused: peers read them differently. */
function parseField(line: string): HttpField | undefined {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1);
  if (colon === -1 || !isToken(name) || !isFieldText(value)) return undefined;
  return { name: name.toLowerCase(), value: value.trim(), line };
}

/**
 * Parses a head: bytes[0, end) from the start line to the empty line, both CRLFs of the end included. Undefined when any line is malformed.
 * The caller has made sure that every LF follows a CR.
 */
export function parseHead(bytes: Buffer, end: number): HttpHead | undefined {
  const lines = bytes.toString("latin1", 0, end - "\r\n\r\n".length).split("\r\n");
  const [startLine = "", ...rest] = lines;
  if (!isFieldText(startLine)) return undefined;
  const fields: HttpField[] = [];
  for (const line of rest) {
    const field = parseField(line);
    if (!field) return undefined;
    fields.push(field);
  }
  return { startLine, fields };
}

/** `METHOD target HTTP/1.x` with exactly one space between; other versions are refused. */
export function parseRequestLine(startLine: string): RequestLine | undefined {
  const first = startLine.indexOf(" ");
  const last = startLine.lastIndexOf(" ");
  const method = startLine.slice(0, first);
  const target = startLine.slice(first + 1, last);
  const version = startLine.slice(last + 1);
  if (first === last || !isToken(method) || !isVisible(target)) return undefined;
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") return undefined;
  return { method, target, version };
}

/** The values of every field of that (lower-case) name, in order. */
export function valuesOf(head: HttpHead, name: string): string[] {
  return head.fields.filter((field) => field.name === name).map((field) => field.value);
}

/** The lower-case tokens the Connection fields name; each names a field that is for this hop only. */
export function connectionOptions(head: HttpHead): Set<string> {
  const options = new Set<string>();
  for (const value of valuesOf(head, "connection")) {
    for (const option of value.split(",")) options.add(option.trim().toLowerCase());
  }
  return options;
}
