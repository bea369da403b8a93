import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");

/** Which workspaces a room's source may import. The table of docs/ARCHITECTURE: arrows point to the lower room only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "packages/wire": [],
  "packages/runtime": ["wire"],
  "packages/aead-native": ["wire", "runtime"],
  "packages/control-api": ["runtime"],
  "packages/store": ["runtime"],
  "packages/transport": ["wire", "runtime", "aead-native"],
  "packages/relay": ["wire", "runtime", "transport", "store", "control-api"],
  "packages/testkit": ["wire", "runtime"],
  "services/gateway": ["wire", "runtime", "aead-native", "transport", "store", "control-api"],
  "services/tcp-relay": ["wire", "runtime", "aead-native", "transport", "store", "control-api", "relay"],
  "services/udp-relay": ["wire", "runtime", "aead-native", "transport", "store", "control-api", "relay"],
  "services/management": ["wire", "runtime", "store", "control-api"],
  // The standalone mode composes the services; nothing else may.
  "services/cli": [
    "wire",
    "runtime",
    "aead-native",
    "transport",
    "store",
    "control-api",
    "relay",
    "gateway",
    "tcp-relay",
    "udp-relay",
    "management",
  ],
  // Written at build time only: the registry's names go in, JSON for the chart comes out.
  "deploy/dashboards": ["runtime"],
};

/** The only modules pure wire code may take from outside. */
const WIRE_MODULES = /^(node:crypto|node:buffer|@noble\/(ciphers|hashes)\/.+)$/;
const SPECIFIER = /(?:^|[^.\w])(?:import|export)\s*(?:[^"';]*?\sfrom\s*)?\(?\s*"([^"]+)"/g;

function importsOf(source: string): string[] {
  return [...source.matchAll(SPECIFIER)].map((match) => match[1] ?? "");
}

function violationsIn(room: string, file: string, source: string): string[] {
  const allowed = MAY_IMPORT[room] ?? [];
  return importsOf(source).flatMap((specifier) => {
    if (room === "packages/wire" && !specifier.startsWith(".") && !WIRE_MODULES.test(specifier))
      return [`${file}: wire code may not import ${specifier}`];
    if (specifier.startsWith("@shadowfleet/")) {
      const [, target = "", ...inside] = specifier.split("/");
      if (inside.length > 0) return [`${file}: ${specifier} reaches inside a package`];
      return allowed.includes(target) ? [] : [`${file}: ${room} may not import ${specifier}`];
    }
    if (specifier.startsWith(".")) {
      const resolved = join(file, "..", specifier);
      if (!resolved.startsWith(`${room}/`)) return [`${file}: ${specifier} leaves the room`];
    }
    return [];
  });
}

test("imports run one way, as the table of rooms says", () => {
  const violations: string[] = [];
  let files = 0;
  for (const room of Object.keys(MAY_IMPORT)) {
    for (const file of globSync(`${room}/src/**/*.ts`, { cwd: root })) {
      files++;
      violations.push(...violationsIn(room, file, readFileSync(join(root, file), "utf8")));
    }
  }
  assert.ok(files > 50, `only ${files} source files found`);
  assert.deepEqual(violations, []);
});

test("every room of the repository stands in the table", () => {
  const rooms = globSync("{packages/*,services/*,deploy/dashboards}", { cwd: root }).sort();
  assert.deepEqual(rooms, Object.keys(MAY_IMPORT).sort());
});

test("the check can fail: each kind of violation is seen", () => {
  assert.deepEqual(importsOf('import { a } from "x";\nimport "y";\nexport type { b } from "./z.ts";\nconst c = await import("w");'), [
    "x",
    "y",
    "./z.ts",
    "w",
  ]);
  assert.equal(violationsIn("packages/wire", "packages/wire/src/a.ts", 'import net from "node:net";').length, 1);
  assert.equal(violationsIn("services/gateway", "services/gateway/src/a.ts", 'import { x } from "@shadowfleet/relay";').length, 1);
  assert.equal(violationsIn("services/gateway", "services/gateway/src/a.ts", 'import { x } from "@shadowfleet/wire/src/x.ts";').length, 1);
  assert.equal(violationsIn("services/gateway", "services/gateway/src/a.ts", 'import { x } from "../../cli/src/x.ts";').length, 1);
  assert.equal(violationsIn("services/gateway", "services/gateway/src/a.ts", 'import { x } from "./x.ts";').length, 0);
});
