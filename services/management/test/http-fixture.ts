import { SecretFolder } from "@shadowfleet/testkit";
import { type FixtureOptions, type ManagementFixture, startManagement } from "./management-fixture.ts";

export const TOKENS = { admin: "admin-token-0123456789", viewer: "viewer-token-0123456789", relay: "relay-token-0123456789" } as const;
export type Role = keyof typeof TOKENS;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where the body is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every door.
  readonly json: any;
}

export interface HttpFixture extends ManagementFixture {
  readonly url: string;
  /** With this role's token; none when undefined. */
  request(path: string, init?: RequestInit, role?: Role): Promise<HttpAnswer>;
  /** A call through the JSON door. */
  rpc(method: string, body?: object, role?: Role): Promise<HttpAnswer>;
}

/** Management with HTTP on loopback, three tokens and a link secret. */
export async function startHttp(
  options: FixtureOptions & { readonly http?: Readonly<Record<string, unknown>> } = {},
): Promise<HttpFixture> {
  const secrets = new SecretFolder();
  const tokens = Object.entries(TOKENS).map(([role, token]) => ({ name: role, role, tokenFile: secrets.file(role, token) }));
  const linkSecretFile = secrets.file("link", "link-secret-0123456789-0123456789-0123456789");
  const config = { grpc: { port: 0, tokens }, http: { enabled: true, port: 0, linkSecretFile, ...options.http }, ...options.config };
  const management = await startManagement({ ...options, config });
  const url = `http://127.0.0.1:${management.app.address.httpPort}`;
  const request = async (path: string, init: RequestInit = {}, role?: Role): Promise<HttpAnswer> => {
    const headers = { ...(role && { authorization: `Bearer ${TOKENS[role]}` }), ...(init.headers as Record<string, string> | undefined) };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  return {
    ...management,
    url,
    request,
    rpc: (method, body = {}, role = "admin") => {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
      return request(`/shadowfleet.v1.${method}`, init, role);
    },
    [Symbol.asyncDispose]: async () => {
      await management[Symbol.asyncDispose]();
      secrets[Symbol.dispose]();
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
