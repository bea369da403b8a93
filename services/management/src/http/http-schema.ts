import { isIP } from "node:net";
import type { ServerTls } from "@shadowfleet/control-api";
import type { ConfigProblem } from "@shadowfleet/runtime";
import { listenPort } from "@shadowfleet/runtime";
import { z } from "zod";
import { readLinkSecret, readTls } from "../config/secret-files.ts";

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;
const path = () => z.string().min(1);

const network = z.string().refine(isNetwork, "is not an address or a CIDR block");

/** `http` of management's configuration: every door but gRPC. */
export const httpSchema = z.strictObject({
  enabled: z.boolean().default(false),
  host: z.string().min(1).default("127.0.0.1"),
  port: listenPort().default(9191),
  /** PEM files, read again on reload. */
  tls: z.strictObject({ certFile: path(), keyFile: path() }).optional(),
  /** Where people reach it, without a path at its end: what links to key documents begin with. */
  publicUrl: z
    .string()
    .refine(isBaseUrl, "must be an http or https URL without query, fragment or credentials")
    .transform((url) => url.replace(/\/+$/, ""))
    .optional(),
  /** Proxies whose X-Forwarded-For is believed: addresses and CIDR blocks. */
  trustedProxies: z.array(network).default([]),
  /** Holds what links to key documents are derived from; the same for every replica. */
  linkSecretFile: path().optional(),
  /** Which doors are open. */
  doors: z
    .strictObject({
      json: z.boolean().default(true),
      sip008: z.boolean().default(true),
      ssm: z.boolean().default(true),
      outline: z.boolean().default(true),
      console: z.boolean().default(true),
    })
    .prefault({}),
});

export type HttpInput = z.output<typeof httpSchema>;

/** `http` with the files that it names. */
export interface HttpConfig extends Omit<HttpInput, "tls" | "linkSecretFile"> {
  /** Undefined: plaintext. */
  readonly tls: ServerTls | undefined;
  /** Undefined: chosen at every start, so that links end with the process. */
  readonly linkSecret: Buffer | undefined;
}

/** Reads the files and checks that nothing is open to more than it may be; problems are reported. */
export function readHttp(input: HttpInput, hasTokens: boolean, isStoreKept: boolean, problems: ConfigProblem[]): HttpConfig {
  const { tls: files, linkSecretFile, ...rest } = input;
  const tls = files && readTls(files, problems, "http.tls");
  const linkSecret = linkSecretFile === undefined ? undefined : readLinkSecret(linkSecretFile, "http.linkSecretFile", problems);
  const config = { ...rest, tls, linkSecret };
  if (!input.enabled) return config;
  const refuse = (at: string, reason: string): void => void problems.push({ path: `http.${at}`, reason });
  if (!LOOPBACK.test(input.host)) {
    const why = `required, since http.host ${input.host} is not a loopback address`;
    if (!files) refuse("tls", `${why}: tokens and keys would be read on the way`);
    if (!hasTokens) problems.push({ path: "grpc.tokens", reason: `${why}: anyone could manage the fleet` });
  }
  if (input.doors.sip008 && isStoreKept && linkSecretFile === undefined)
    refuse("linkSecretFile", "required by http.doors.sip008: without it links would be others after a restart, and at every replica");
  return config;
}

function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function isNetwork(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
