import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ConfigProblem, durationMs } from "@shadowfleet/runtime";
import { z } from "zod";
import { EVENT_PATTERN_RULE, isEventPattern } from "./event-filter.ts";

/** `webhooks`: who is told of events over HTTP. */
export const webhooksSchema = z
  .array(
    z.strictObject({
      /** What its place among the events is kept under: a webhook that is renamed begins anew. */
      name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "must be 1 to 63 lower-case letters, digits, dots, dashes and underscores"),
      url: z.url({ protocol: /^https?$/, error: 'must be a URL such as "https://billing.example/shadowfleet"' }),
      /** One secret a line, `whsec_` and 24 to 64 bytes in base64; with two, every event is signed with both. Read again on reload. */
      secretFile: z.string().min(1),
      /** PEM file with the authorities that the receiver's certificate may be of, in place of the system's. */
      caFile: z.string().min(1).optional(),
      /** Absent: all. */
      types: z.array(z.string().refine(isEventPattern, EVENT_PATTERN_RULE)).min(1).optional(),
      /** For one try, from connecting to the answer's status. */
      timeout: durationMs({ minMs: 100, maxMs: 60_000 }).prefault("10s"),
    }),
  )
  .max(32);

type WebhookInput = z.output<typeof webhooksSchema>[number];

export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly secrets: readonly Buffer[];
  readonly ca: Buffer | undefined;
  /** None: all. */
  readonly types: readonly string[];
  readonly timeoutMs: number;
}

const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const MAX_SECRETS = 2;

/** The webhooks with what their files hold; what is wrong is reported. */
export function readWebhooks(inputs: readonly WebhookInput[], problems: ConfigProblem[]): Webhook[] {
  const names = new Set<string>();
  return inputs.map((input, index) => {
    const path = `webhooks[${index}]`;
    const { name, url, types = [], timeout: timeoutMs } = input;
    if (names.has(name)) problems.push({ path: `${path}.name`, reason: `webhook name "${name}" is used twice` });
    names.add(name);
    const { username, password } = new URL(url);
    if (username !== "" || password !== "")
      problems.push({ path: `${path}.url`, reason: "must not hold a user name or password: events are signed, see secretFile" });
    const secrets = readSecrets(input.secretFile, `${path}.secretFile`, problems);
    return { name, url, secrets, ca: readAuthorities(input.caFile, `${path}.caFile`, problems), types, timeoutMs };
  });
}

function readSecrets(file: string, path: string, problems: ConfigProblem[]): Buffer[] {
  const lines = read(file, path, problems)?.toString("utf8").trim().split(/\s+/);
  if (!lines) return [];
  const secrets = lines.map((line) => Buffer.from(SECRET.exec(line)?.[1] ?? "", "base64"));
  if (secrets.length > MAX_SECRETS || secrets.some(({ length }) => length < MIN_SECRET_BYTES || length > MAX_SECRET_BYTES)) {
    problems.push({
      path,
      reason: `must hold one or two lines of "whsec_" and ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes in base64; try: echo whsec_$(openssl rand -base64 32)`,
    });
  }
  return secrets;
}

function readAuthorities(file: string | undefined, path: string, problems: ConfigProblem[]): Buffer | undefined {
  const ca = file === undefined ? undefined : read(file, path, problems);
  if (!ca) return undefined;
  try {
    // Of several the first: it is the form that is wrong, if anything.
    new X509Certificate(ca);
    return ca;
  } catch (error) {
    problems.push({ path, reason: `cannot be used: ${(error as Error).message}` });
    return undefined;
  }
}

function read(file: string, path: string, problems: ConfigProblem[]): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    problems.push({ path, reason: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}` });
    return undefined;
  }
}
