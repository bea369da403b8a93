import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { rootCertificates } from "node:tls";
import { docker, engineMissingReason, type ImageName, runProgram, serviceImage } from "@shadowfleet/testkit";
import { type Entry, inspectImage, listContent } from "./image-content.ts";
import { HARDENED } from "./service-container.ts";

const skip = engineMissingReason() ?? false;
const IMAGES: readonly ImageName[] = ["gateway", "tcp-relay", "udp-relay", "management", "cli"];
const MAX_IMAGE_BYTES = 190_000_000;

/** Packages that are there to build and test, and Node as npm brings it. */
const BUILD_TOOLS =
  /^(@biomejs|@bufbuild\/buf|@types|@typescript|typescript|ts-proto|fast-check|testcontainers|kubernetes-models|npm$|node-linux-)/;

const root = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly StopSignal: string;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

for (const name of IMAGES) {
  describe(`the image of ${name}`, { skip }, () => {
    let image: string;
    let content: Entry[];

    before(async () => {
      image = await serviceImage(name);
      content = await listContent(image);
    });

    test("says what it is, runs as a numbered user, and checks its health if it is a service", async () => {
      const { Labels, User, StopSignal, Env, Healthcheck } = await inspectImage<ImageConfig>(image, ".Config");
      assert.equal(Labels["org.opencontainers.image.title"], `shadowfleet ${name}`);
      assert.equal(Labels["org.opencontainers.image.version"], manifest.version);
      assert.equal(Labels["org.opencontainers.image.licenses"], "Apache-2.0");
      // A checkout without its history does not know.
      assert.match(Labels["org.opencontainers.image.revision"] ?? "", /^([0-9a-f]{40}|unknown)$/);
      assert.match(Labels["io.shadowfleet.sources"] ?? "", /^[0-9a-f]{16}$/);
      assert.deepEqual([User, StopSignal], ["65532:65532", "SIGTERM"]);
      assert.deepEqual(
        Env.filter((entry) => !entry.startsWith("PATH=")),
        ["NODE_ENV=production", "NODE_COMPILE_CACHE=/app/compile-cache"],
      );
      assert.equal(Healthcheck?.Test[0], name === "cli" ? undefined : "CMD", "in exec form: there is no shell");
    });

    test("has the stated size, most of it shared with the other images", async () => {
      const size = await inspectImage<number>(image, ".Size");
      assert.ok(size <= MAX_IMAGE_BYTES, `${size} bytes`);
      const [runtime] = await inspectImage<string[]>(image, ".RootFS.Layers");
      const [other] = await inspectImage<string[]>(await serviceImage(name === "gateway" ? "cli" : "gateway"), ".RootFS.Layers");
      assert.equal(runtime, other);
    });

    test("has one program, which is Node", async () => {
      const programs = content.filter(({ path, mode }) => mode.startsWith("-") && mode.includes("x") && !/\.so[.\d]*$/.test(path));
      assert.deepEqual(
        programs.map(({ path }) => path),
        ["/usr/local/bin/node"],
      );
      for (const shell of ["sh", "/bin/sh", "bash"]) {
        const { code, stderr } = await runProgram("docker", ["run", "--rm", "--entrypoint", shell, image, "-c", "true"]);
        assert.equal(code, 127);
        assert.match(stderr.toString(), /no such file or directory|executable file not found/);
      }
    });

    test("nothing in it can be changed by the user it runs as, but the folder the command writes to", () => {
      const writable = content.filter(
        ({ mode, owner }) => !mode.startsWith("l") && (owner === 65532 || mode[5] === "w" || mode[8] === "w"),
      );
      assert.deepEqual(
        writable.map(({ path }) => path),
        name === "cli" ? ["/run/shadowfleet"] : [],
      );
    });

    test("carries no tests, no sources, no build tools, no keys and tokens, no settings of who built it", () => {
      const unwanted = content.filter(({ path }) => {
        const [, name = ""] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
        return (
          BUILD_TOOLS.test(name) ||
          /\/node_modules\/@shadowfleet\/(testkit|test|dashboards)|^\/app\/(packages|services)\/[^/]+\/test(\/|$)/.test(path) ||
          /\.(ts|mts|cts|map)$|\.(test|spec)\.[cm]?js$|\/\.(npmrc|git|env)(\/|$)|package-lock\.json$|\.(key|p12|pfx|token)$|\/id_[a-z0-9]+$/.test(
            path,
          )
        );
      });
      assert.deepEqual(
        unwanted.map(({ path }) => path),
        [],
      );
    });

    test("every package in it has its manifest and so can be found by scanners", async () => {
      const folders = new Set(content.flatMap(({ path }) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/@.][^/]*)\//.exec(path)?.[1] ?? []));
      const paths = new Set(content.map(({ path }) => path));
      assert.ok(folders.size > 40, `${folders.size} packages`);
      for (const folder of folders) assert.ok(paths.has(`${folder}/package.json`), folder);
    });

    test("its history and its authorities tell nothing about where it was built", async () => {
      const history = await docker(["history", "--no-trunc", "--format", "{{.CreatedBy}}", image]);
      assert.doesNotMatch(history, /secret|token|_auth|registry|https?:|\/root|\/home/i);
      const bundle = 'fs.readFileSync("/etc/ssl/certs/ca-certificates.crt", "utf8")';
      const authorities = await docker(["run", "--rm", "--entrypoint", "node", image, "-p", bundle]);
      assert.equal(authorities, rootCertificates.join("\n"));
    });

    for (const user of ["65532:65532", "65533:65533"]) {
      test(`the compile cache is used by ${user} on a read-only file system`, async () => {
        const flags = [...HARDENED, `--user=${user}`, "--env=NODE_DEBUG_NATIVE=COMPILE_CACHE"];
        const { code, stdout, stderr } = await runProgram("docker", ["run", "--rm", ...flags, image, "--version"], { deadlineMs: 60_000 });
        assert.equal(code, 0);
        const said = `${stdout}${stderr}`;
        const accepted = said.match(/cache for \S+ \S+ was accepted/g)?.length ?? 0;
        assert.ok(accepted > 200, `${accepted} modules came from the cache:\n${said.slice(0, 2_000)}`);
        assert.doesNotMatch(said, /was rejected|was not initialized/);
      });
    }
  });
}
