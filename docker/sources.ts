import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What `.dockerignore` lets through. */
const SOURCES = [
  ...["package.json", "package-lock.json", ".npmrc", ".dockerignore", "LICENSE", "test/package.json", "deploy/dashboards/package.json"],
  ...["docker/Dockerfile", "docker/*.{ts,js,sh}", "proto/**/*.proto", "{packages,services}/*/package.json"],
  ...["{packages,services}/*/src/**/*", "packages/aead-native/{native/*,build.mjs}"],
];

/** One name for the content of everything an image is made of. */
export function sourcesHash(root: string, nodeImage: string): string {
  const hash = createHash("sha256").update(nodeImage);
  for (const path of globSync(SOURCES, { cwd: root }).sort()) {
    const file = join(root, path);
    if (path.startsWith("packages/testkit/src/") || !statSync(file).isFile()) continue;
    hash.update(`\0${path}\0`).update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 16);
}
