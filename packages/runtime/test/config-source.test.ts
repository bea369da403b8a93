import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ConfigError, type ConfigProblem, parseConfigText, readConfigFile } from "../src/index.ts";

function problemsOf(text: string): readonly ConfigProblem[] {
  try {
    parseConfigText(text, "relay.yaml");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.source, "relay.yaml");
    return error.problems;
  }
  assert.fail("accepted");
}

describe("parseConfigText", () => {
  const expected = { server_port: 8388, port_password: { "8001": "a", "8002": "b" }, nested: [1, 1.5, true, null] };

  it("reads JSON, also with tabs, a byte order mark and surrogate escapes", () => {
    const json = JSON.stringify(expected, null, "\t");
    assert.deepEqual(parseConfigText(json, "f").data, expected);
    assert.deepEqual(parseConfigText(`\uFEFF${json}`, "f").data, expected);
    assert.deepEqual(parseConfigText('{"name":"\\ud83d\\ude00 \\/"}', "f").data, { name: "\u{1F600} /" });
  });

  it("reads the same as YAML", () => {
    const yaml = "# relay\nserver_port: 8388\nport_password:\n  8001: a\n  '8002': b\nnested: [1, 1.5, true, null]\n";
    assert.deepEqual(parseConfigText(yaml, "f"), { name: "f", data: expected });
  });

  it("takes an empty file as an empty object", () => {
    for (const text of ["", "# only a comment\n", "---\n"]) assert.deepEqual(parseConfigText(text, "f").data, {});
  });

  it("keeps __proto__ an ordinary key", () => {
    const { data } = parseConfigText('{"__proto__": {"admin": true}}', "f") as { data: { admin?: boolean } };
    assert.equal(data.admin, undefined);
    assert.ok(Object.hasOwn(data, "__proto__"));
  });

  const table: [what: string, text: string, path: string, reason: RegExp][] = [
    ["a duplicate key in JSON", '{\n  "a": 1,\n  "a": 2\n}', "line 3, column 3", /^duplicate key "a"$/],
    ["a duplicate key in YAML", "a: 1\nb:\n  c: 1\n  c: 2\n", "line 4, column 3", /^duplicate key "c"$/],
    ["a number and a string that are one key", "8001: a\n'8001': b\n", "line 2, column 1", /^duplicate key '8001'$/],
    ["an unterminated string", 'a: "b\nc: 1\n', "line 3, column 1", /Missing closing "quote/],
    ["an unclosed list", "a: [1, 2\nb: 3\n", "line 2, column 1", /must be sufficiently indented and end with a \]/],
    ["a tab as indentation", "a:\n\tb: 1\n", "line 2, column 1", /Tabs are not allowed/],
    ["text after the end", '{"a":1} rest', "line 1, column 9", /Unexpected scalar/],
    ["an undefined alias", "a: *other\n", "line 1, column 4", /^alias without an anchor; a value that begins with "\*" needs quotes$/],
    ["an unknown tag", "a: !secret b\n", "line 1, column 4", /^unknown tag; a value that begins with "!" needs quotes$/],
    ["a second document", "a: 1\n---\nb: 2\n", "line 2, column 1", /second document/],
  ];
  for (const [what, text, path, reason] of table) {
    it(`names line and column of ${what}`, () => {
      const problem = problemsOf(text).find((candidate) => candidate.path === path);
      assert.match(problem?.reason ?? JSON.stringify(problemsOf(text)), reason);
    });
  }

  it("quotes no value of the file", () => {
    const texts = [
      '{"password": "hunter2" "x": 1}',
      "password: hunter2: x",
      '{"a":1} hunter2',
      "password: [hunter2",
      "password: 'hunter2",
      "password: !hunter2 x",
      "password: *hunter2",
      "password: |hunter2\n x",
      "password: @hunter2",
      "password: %hunter2\n- hunter2",
      'password: "\\uhunter2"',
    ];
    for (const text of texts) assert.doesNotMatch(JSON.stringify(problemsOf(text)), /hunt|unter/, text);
  });

  it("refuses aliases that expand without bound", () => {
    const levels = Array.from({ length: 8 }, (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(9)}]`);
    assert.match(problemsOf(["l0: &l0 [x]", ...levels].join("\n"))[0]!.reason, /alias/i);
  });
});

describe("readConfigFile", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "runtime-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("reads a file and keeps its name", async () => {
    const path = join(folder, "config.json");
    await writeFile(path, '{"server_port": 8388}');
    assert.deepEqual(await readConfigFile(path), { name: path, data: { server_port: 8388 } });
  });

  it("says what is wrong with a path that cannot be read", async () => {
    const missing = join(folder, "missing.yaml");
    await assert.rejects(readConfigFile(missing), {
      code: "CONFIG_INVALID",
      message: `${missing}: 1 problem\n  (file): there is no such file`,
    });
    await assert.rejects(readConfigFile(folder), /\(file\): it is a directory, not a file/);
  });
});
