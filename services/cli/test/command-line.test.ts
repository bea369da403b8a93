import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Parsed, parseCommandLine } from "../src/arguments/command-line.ts";
import { flagName } from "../src/arguments/flag.ts";
import { UsageError } from "../src/arguments/usage-error.ts";
import { GRAMMAR } from "../src/command-table.ts";
import { NOW_MS, run } from "./command.ts";

function parse(...argv: string[]): Parsed & { readonly written: string } {
  let written = "";
  const write = (text: string): void => {
    written += text;
  };
  return { ...parseCommandLine(argv, GRAMMAR, { nowMs: NOW_MS, columns: 120, writeOut: write, writeErr: write }), written };
}

/** The words of a shell line, quotes taken off, up to a pipe or redirection. */
function shellWords(line: string): string[] {
  const [words = ""] = line.split(/ [|>] /);
  return [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

describe("command lines", () => {
  test("flags may stand anywhere", () => {
    for (const argv of [
      ["key", "show", "alice", "-o", "json", "--server", "[::1]:9190"],
      ["--server=[::1]:9190", "key", "-ojson", "show", "alice"],
      ["-o", "json", "--server", "[::1]:9190", "key", "show", "alice"],
    ]) {
      const parsed = parse(...argv);
      assert.ok("line" in parsed);
      const { command, args, flags } = parsed.line;
      assert.equal(command.name, "key show");
      assert.deepEqual(args, { id: "alice" });
      assert.equal(flags.output, "json");
      assert.deepEqual(flags.server, [{ host: "::1", port: 9190 }]);
    }
  });

  test("values are read: moments, durations, switches, what is not there", () => {
    const parsed = parse("key", "create", "Alice Smith", "--expires", "90d", "--port=8388", "--no-qr");
    assert.ok("line" in parsed);
    const { flags, args } = parsed.line;
    assert.equal(args.name, "Alice Smith");
    assert.deepEqual(flags.expires, new Date(NOW_MS + 90 * 86_400_000));
    assert.equal(flags.port, 8388);
    assert.deepEqual([flags.qr, flags.noQr, flags.id, flags.starts], [false, true, undefined, undefined]);
  });

  test("a noun that is a command too has its own argument and its verbs", () => {
    const own = parse("traffic", "alice", "--by-hour");
    const verb = parse("traffic", "reset", "alice");
    assert.ok("line" in own && "line" in verb);
    assert.deepEqual([own.line.command.name, own.line.args.id], ["traffic", "alice"]);
    assert.deepEqual([verb.line.command.name, verb.line.args.id], ["traffic reset", "alice"]);
  });

  test("a word after -- is never a flag", () => {
    const parsed = parse("key", "show", "--", "--odd");
    assert.ok("line" in parsed);
    assert.equal(parsed.line.args.id, "--odd");
  });

  const REFUSED: readonly (readonly [line: string, reason: RegExp, topic?: string])[] = [
    ["keys list", /unknown command 'keys' \(Did you mean key\?\)/, ""],
    ["gatewy", /Did you mean gateway/, ""],
    ["-o json gateway", /gateway must be the first word/, ""],
    ["key crate", /unknown command 'crate' \(Did you mean create\?\)/, "key"],
    ["key show", /missing required argument 'ID'/, "key show"],
    ["key show a b", /too many arguments for 'show'. Expected 1 argument but got 2$/, "key show"],
    ["key list --bogus", /unknown option '--bogus'$/, "key list"],
    ["key list --prot 1", /unknown option '--prot' \(Did you mean --port\?\)/, "key list"],
    ["key list --port", /'--port <N>' argument missing/, "key list"],
    ["key list --port 1 --port 2", /--port is given 2 times/, "key list"],
    ["key list --port 0", /--port: expected a port number from 1 to 65535/, "key list"],
    ["key list --port 65536", /--port: expected a port/, "key list"],
    ["key list -o xml", /--output: expected one of table, json, yaml/, "key list"],
    ["traffic reset a --port 1", /unknown option '--port'$/, "traffic reset"],
    ["port show https", /N: expected a port number/, "port show"],
    ["port create 1 --method rot13", /--method: expected one of aes-128-gcm, /, "port create"],
    ["key create --expires 2020-01-01", /--expires: is in the past/, "key create"],
    ["key create --expires soon", /--expires: expected a time such as/, "key create"],
    ["key rotate a --overlap 0s", /--overlap: expected more than nothing/, "key rotate"],
    ["key rotate a --overlap 1", /--overlap: has no unit/, "key rotate"],
    ["top --interval 100ms", /--interval: expected 1s to 60s/, "top"],
    ["fleet status --server nowhere", /--server: must be host:port/, "fleet status"],
    ["completion fish", /SHELL: expected bash or zsh/, "completion"],
    ["config check relay x.yaml", /SERVICE: expected one of standalone, gateway/, "config check"],
  ];
  for (const [line, reason, topic] of REFUSED) {
    test(`"${line}" is refused`, () => {
      assert.throws(
        () => parse(...line.split(" ")),
        (error) => error instanceof UsageError && reason.test(error.message) && error.topic === topic,
      );
    });
  }

  test("what may be a secret is not repeated", async () => {
    const secret = "ss://c2VjcmV0@192.0.2.1:8388";
    const lines = [
      ["key", "list", `--bogus=${secret}`],
      ["key", "list", secret],
      ["key", "show", "a", secret],
      ["port", "create", secret],
      ["key", "create", "--expires", secret],
      ["upstream", "add", secret, "--port", "1"],
    ];
    for (const line of lines) {
      const { exitCode, err, out } = await run(line);
      assert.equal(exitCode, 2, line.join(" "));
      assert.doesNotMatch(err + out, /c2Vjc/, line.join(" "));
    }
  });
});

describe("help", () => {
  test("is asked for in every way", async () => {
    for (const line of ["key create --help", "help key create", "key create -h", "-h key create", "key help create"]) {
      const { exitCode, out, err } = await run(line.split(" "));
      assert.deepEqual([exitCode, err], [0, ""], line);
      assert.match(out, /^Usage: shadowfleet (key|\[options\])/, line);
    }
  });

  test("of the whole names every process and noun; without a command it goes to stderr, and the exit code is 2", async () => {
    const asked = await run(["--help"]);
    const unasked = await run([]);
    assert.deepEqual([asked.exitCode, unasked.exitCode, unasked.out], [0, 2, ""]);
    assert.equal(asked.out, unasked.err);
    const nouns = new Set(GRAMMAR.commands.map(({ name }) => name.split(" ")[0]));
    for (const word of [...nouns, ...GRAMMAR.services.map(([name]) => name)]) assert.match(asked.out, new RegExp(`^  ${word}\\b`, "m"));
    assert.deepEqual(
      [...nouns],
      ["key", "port", "upstream", "traffic", "top", "session", "fleet", "events", "bootstrap", "config", "completion"],
    );
  });

  for (const command of GRAMMAR.commands) {
    test(`of ${command.name} names its arguments and flags, and has examples that parse`, async () => {
      const { exitCode, out } = await run([...command.name.split(" "), "--help"]);
      assert.equal(exitCode, 0);
      for (const key of Object.keys(command.flags)) assert.match(out, new RegExp(`--${flagName(key)}\\b`));
      for (const { placeholder } of Object.values(command.args)) assert.ok(out.includes(placeholder));
      const lines = command.examples.flatMap((example) => [...example.matchAll(/shadowfleet [^()]*/g)].map(([line]) => line.trim()));
      assert.ok(lines.length > 0);
      for (const line of lines) assert.ok("line" in parse(...shellWords(line).slice(1)), line);
      assert.ok(lines.some((line) => line.startsWith(`shadowfleet ${command.name}`)));
    });
  }

  test("--version is this package's", async () => {
    const { exitCode, out } = await run(["--version"]);
    assert.equal(exitCode, 0);
    assert.match(out, /^shadowfleet \d+\.\d+\.\d+ \(Node\.js v/);
  });
});
