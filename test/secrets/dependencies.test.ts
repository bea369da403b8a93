import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  type LockedPackage,
  type Lockfile,
  lifeCycleScripts,
  looseVersions,
  type Manifest,
  unknownInstallScripts,
  unknownLicences,
  unprovenPackages,
} from "./dependency-rules.ts";

const root = join(import.meta.dirname, "../..");
const read = <T>(file: string): T => JSON.parse(readFileSync(join(root, file), "utf8")) as T;
const lock = read<Lockfile>("package-lock.json");
const manifests = globSync("{.,packages/*,services/*,deploy/dashboards,test}/package.json", { cwd: root }).map((file) =>
  read<Manifest>(file),
);

describe("dependencies", () => {
  test("are exact versions", () => {
    assert.ok(manifests.length >= 14, `${manifests.length} manifests`);
    assert.deepEqual(manifests.flatMap(looseVersions), []);
  });

  test("come from the registry and are held to one content by SHA-512, every one of them", () => {
    assert.equal(lock.lockfileVersion, 3);
    assert.ok(Object.keys(lock.packages).length > 300);
    assert.deepEqual(unprovenPackages(lock), []);
  });

  test("run nothing when they are installed", () => {
    assert.match(readFileSync(join(root, ".npmrc"), "utf8"), /^ignore-scripts=true$/m);
    assert.deepEqual(unknownInstallScripts(lock), []);
    assert.deepEqual(manifests.flatMap(lifeCycleScripts), []);
  });

  test("have licences that let everybody use, change and pass on the whole", () => {
    assert.deepEqual(unknownLicences(lock), []);
    assert.deepEqual(new Set(manifests.map(({ license }) => license)), new Set(["Apache-2.0"]));
  });
});

test("the checks can fail: each kind of violation is seen", () => {
  const integrity = `sha512-${"A".repeat(86)}==`;
  const locked = (more: LockedPackage, path = "node_modules/x"): Lockfile => ({
    lockfileVersion: 3,
    packages: { "": {}, "node_modules/ours": { link: true }, [path]: { version: "1.0.0", integrity, license: "MIT", ...more } },
  });
  const everything = (one: Lockfile) => [unprovenPackages, unknownInstallScripts, unknownLicences].map((check) => check(one).length);
  assert.deepEqual(everything(locked({})), [0, 0, 0]);
  assert.deepEqual(everything(locked({ integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" })), [1, 0, 0]);
  assert.deepEqual(everything(locked({ resolved: "git+ssh://git@github.com/x/x.git#abc" })), [1, 0, 0]);
  assert.deepEqual(everything(locked({ hasInstallScript: true })), [0, 1, 0]);
  assert.deepEqual(everything(locked({ hasInstallScript: true }, "node_modules/ssh2")), [0, 0, 0]);
  assert.deepEqual(everything(locked({ license: "AGPL-3.0-only" })), [0, 0, 1]);
  assert.deepEqual(everything(locked({ license: "MIT OR GPL-2.0" }, "node_modules/a/node_modules/@b/c")), [0, 0, 1]);
  for (const version of ["^1.0.0", "~1.0.0", "1.x", "*", "latest", "file:../x", "https://example.com/x.tgz", "1.0.0 || 2.0.0"])
    assert.equal(looseVersions({ name: "y", devDependencies: { x: version } }).length, 1, version);
  assert.deepEqual(looseVersions({ name: "y", dependencies: { x: "1.0.0-rc.1" } }), []);
  assert.deepEqual(lifeCycleScripts({ name: "y", scripts: { test: "x", postinstall: "x" } }), ["y: postinstall"]);
});
