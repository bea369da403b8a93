import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { type AccessToken, accessToken, type Role, type ServerTls } from "@shadowfleet/control-api";
import type { ConfigProblem } from "@shadowfleet/runtime";

const MIN_TOKEN_LENGTH = 16;
const MIN_LINK_SECRET_LENGTH = 32;

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string | undefined;
}

export interface TokenFile {
  readonly name: string;
  readonly role: Role;
  readonly tokenFile: string;
}

/** The certificate, its key and the clients' authority, proven to fit together; undefined when there is a problem, which is reported. */
export function readTls(files: TlsFiles, problems: ConfigProblem[], path = "grpc.tls"): ServerTls | undefined {
  const cert = readSecretFile(files.certFile, `${path}.certFile`, problems);
  const key = readSecretFile(files.keyFile, `${path}.keyFile`, problems);
  const clientCa = files.clientCaFile === undefined ? undefined : readSecretFile(files.clientCaFile, `${path}.clientCaFile`, problems);
  if (!cert || !key || (files.clientCaFile !== undefined && !clientCa)) return undefined;
  try {
    createSecureContext({ cert, key, ...(clientCa ? { ca: clientCa } : {}) });
  } catch (error) {
    problems.push({ path, reason: `certificate and key cannot be used: ${(error as Error).message}` });
    return undefined;
  }
  return { cert, key, clientCa };
}

/** Tokens by their files; surrounding white space is not part of a token. */
export function readTokens(files: readonly TokenFile[], problems: ConfigProblem[]): AccessToken[] {
  const tokens: AccessToken[] = [];
  for (const [index, { name, role, tokenFile }] of files.entries()) {
    const path = `grpc.tokens[${index}]`;
    const text = readSecretFile(tokenFile, `${path}.tokenFile`, problems)?.toString("utf8").trim();
    if (text === undefined) continue;
    if (!/^[\x21-\x7e]+$/.test(text) || text.length < MIN_TOKEN_LENGTH) {
      problems.push({
        path: `${path}.tokenFile`,
        reason: `must hold one token of at least ${MIN_TOKEN_LENGTH} printable characters without spaces`,
      });
      continue;
    }
    const token = accessToken(name, role, text);
    if (tokens.some((other) => other.name === name)) problems.push({ path: `${path}.name`, reason: `token name "${name}" is used twice` });
    const same = tokens.find((other) => other.digest.equals(token.digest));
    if (same) problems.push({ path: `${path}.tokenFile`, reason: `holds the same token as "${same.name}"` });
    tokens.push(token);
  }
  return tokens;
}

/** What links to key documents are derived from. */
export function readLinkSecret(file: string, path: string, problems: ConfigProblem[]): Buffer | undefined {
  const secret = readSecretFile(file, path, problems)?.toString("utf8").trim();
  if (secret === undefined) return undefined;
  if (secret.length >= MIN_LINK_SECRET_LENGTH) return Buffer.from(secret);
  problems.push({ path, reason: `must hold at least ${MIN_LINK_SECRET_LENGTH} characters; try: openssl rand -base64 32` });
  return undefined;
}

function readSecretFile(file: string, path: string, problems: ConfigProblem[]): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    problems.push({ path, reason: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}` });
    return undefined;
  }
}
