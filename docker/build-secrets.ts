import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Flags that let npm inside a build reach the registry as npm on this machine does. Secrets are seen by that one step and are in no layer and
 * in no history.
 */
export function buildSecrets(): string[] {
  const authorities = process.env.NODE_EXTRA_CA_CERTS;
  const settings = process.env.NPM_CONFIG_USERCONFIG ?? join(homedir(), ".npmrc");
  const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
  return [
    ...(authorities && existsSync(authorities) ? ["--secret", `id=ca,src=${authorities}`] : []),
    ...(existsSync(settings) ? ["--secret", `id=npmrc,src=${settings}`] : []),
    // Known to every Dockerfile and kept out of its history by the engine.
    ...proxies.filter((name) => process.env[name]).flatMap((name) => ["--build-arg", name]),
  ];
}
