/** What `add` and `remove` say, in either dialect. */
export interface PortParameters {
  /** Undefined: none, or not a port number. */
  readonly port: number | undefined;
  readonly password: string;
  /** Empty: the fleet's default. */
  readonly method: string;
  /** SIP003 plugin; relays run none. */
  readonly plugin: string;
}

const NOTHING: PortParameters = { port: undefined, password: "", method: "", plugin: "" };

/** White space and NUL around a payload belong to nobody: the ancestor sends its whole receive buffer. */
export function trimPayload(text: string): string {
  return text.replace(/^[\0\r\n\t ]+|[\0\r\n\t ]+$/g, "");
}

/** Reads the JSON object of a command; whatever it is instead, nothing is in it. */
export function readParameters(text: string): PortParameters {
  const data = parseObject(text);
  if (!data) return NOTHING;
  return { port: portOf(data.server_port), password: textOf(data.password), method: textOf(data.method), plugin: textOf(data.plugin) };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const data: unknown = JSON.parse(trimPayload(text));
    return typeof data === "object" && data !== null && !Array.isArray(data) ? (data as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** A number or digits in quotes, as clients of either dialect send. */
function portOf(value: unknown): number | undefined {
  const port = typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 0xffff ? port : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
