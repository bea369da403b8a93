import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sourcesHash } from "../../docker/sources.ts";

const NODE = "sha256:one";

/** The hash decides whether an image is built again, so it must see what goes into one, and nothing else. */
describe("the hash of an image's sources", () => {
  let root: string;
  let original: string;

  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "shadowfleet-sources-"));
    for (const path of ["package-lock.json", "packages/wire/src/deep/salt.ts", "services/gateway/package.json", "docker/Dockerfile"]) {
      await write(path, "before");
    }
    original = sourcesHash(root, NODE);
  });
  after(() => rm(root, { recursive: true }));

  for (const path of ["package-lock.json", "packages/wire/src/deep/salt.ts", "services/gateway/package.json", "docker/Dockerfile"]) {
    test(`changes with ${path}`, async () => {
      await write(path, "after");
      assert.notEqual(sourcesHash(root, NODE), original);
      await write(path, "before");
      assert.equal(sourcesHash(root, NODE), original);
    });
  }

  test("changes with a file more, with a file's name, and with the base image", async () => {
    await write("packages/wire/src/new.ts", "");
    const withNew = sourcesHash(root, NODE);
    await rm(join(root, "packages/wire/src/new.ts"));
    await write("packages/wire/src/newer.ts", "");
    const hashes = new Set([original, withNew, sourcesHash(root, NODE), sourcesHash(root, "sha256:two")]);
    assert.equal(hashes.size, 4);
    await rm(join(root, "packages/wire/src/newer.ts"));
  });

  test("does not change with tests, the test kit and documents", async () => {
    for (const path of ["packages/wire/test/salt.test.ts", "packages/testkit/src/probe.ts", "docs/wire.md", "test/images/a.test.ts"]) {
      await write(path, "new");
    }
    assert.equal(sourcesHash(root, NODE), original);
  });
});
