import { randomBytes } from "node:crypto";
import { type AccessUri, findMethod } from "@shadowfleet/wire";

/** A fresh secret for a method: a base64 pre-shared key for SIP022, else a password of 128 random bits. */
export function newSecret(methodName: string): string {
  const method = findMethod(methodName);
  return method?.kind === "aead-2022" ? randomBytes(method.keyLength).toString("base64") : randomBytes(16).toString("base64url");
}

/** What a client needs to use the demo access key. A relay bound to every address is reached here at loopback. */
export function demoUri(method: string, secret: string, host: string, port: number): AccessUri {
  const reachable = host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host;
  return { method, password: secret, host: reachable, port, tag: "demo" };
}
