import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What `.dockerignore` lets through. */
const SOURCES = [
  ...["package.json", "package-lock.json", ".npmrc", ".dockerignore", "LICENSE", "test/package.json", "deploy/dashboards/package.json"],
  ...["docker/Dockerfile", "docker/*.{ts,js,sh}", "proto/**/*.proto", "{packages,services}/*/package.json"],
  "{packages/{control-api,relay,runtime,store,transport,wire},services/*}/src/**/*",
];

/** One name for the content of everything an image is made of. */
export function sourcesHash(root: string, nodeImage: string): string {
  const hash = createHash("sha256").update(nodeImage);
  for (const entry of globSync(SOURCES, { cwd: root, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .sort()) {
    hash.update(`\0${entry.slice(root.length)}\0`).update(readFileSync(entry));
  }
  return hash.digest("hex").slice(0, 16);
}
