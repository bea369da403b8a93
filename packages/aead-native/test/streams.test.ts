import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PseudoRandom } from "@shadowfleet/testkit";
import { NATIVE_ALGORITHMS } from "../src/addon.ts";
import { type NativeStreams, STREAM_EVENTS } from "../src/native-streams.ts";
import { missingCompiler, testAddon } from "./test-addon.ts";

const ROUNDS = Number(process.env.AEAD_FUZZ_ROUNDS ?? 1000);
const NEITHER = [undefined, null, "1", {}, [], 1n, Symbol("x"), -1, 1.5, Number.NaN, 2 ** 31, 2 ** 53, Number.POSITIVE_INFINITY] as const;
const ECONNREFUSED = -111;
const HOST = "127.0.0.1";
const AES_128 = NATIVE_ALGORITHMS.indexOf("aes-128-gcm");
const AES_256 = NATIVE_ALGORITHMS.indexOf("aes-256-gcm");
const LONGEST_PARTIAL = 0xffff + 16;

type Call = (...values: unknown[]) => unknown;
type Told = readonly [event: number, stream: number, value: number];

const buffer = Buffer.alloc(4096);
let started: { readonly native: NativeStreams; readonly name: Int32Array } | undefined;
/** What events lead to; each test sets its own. */
let onEvent: (...told: Told) => void = () => {};
let turns = 0;

function start() {
  if (started === undefined) {
    const native = testAddon();
    const [name] = native.startStreams(
      (...told) => onEvent(...told),
      () => {
        turns += 1;
      },
      buffer,
    );
    started = { native, name };
  }
  return started;
}

function listen(): readonly [stream: number, port: number] {
  const { native, name } = start();
  const stream = native.listenStream(HOST, 0, false, false, 64);
  assert.ok(stream >= 0 && native.askName(stream, false));
  return [stream, name[0] as number];
}

/** A listening stream and both ends of a connection. */
async function pair() {
  const { native, name } = start();
  const [listener, port] = listen();
  const near = native.connectStream(HOST, port);
  const far = await new Promise<number>((resolve) => {
    let accepted = -1;
    let isConnected = false;
    onEvent = (event, stream, value) => {
      assert.ok(value >= 0, String(value));
      if (event === STREAM_EVENTS.accepted) {
        assert.deepEqual([stream, native.hostOfName()], [listener, HOST]);
        accepted = value;
      } else {
        assert.deepEqual([event, stream], [STREAM_EVENTS.connected, near]);
        isConnected = true;
      }
      if (accepted >= 0 && isConnected) resolve(accepted);
    };
  });
  assert.ok(native.askName(near, true));
  assert.equal(name[0], port);
  return { native, listener, near, far };
}

describe("the addon's streams", { skip: missingCompiler ?? false }, () => {
  it("carry bytes in order both ways, through whatever room the kernel has, to the end", async () => {
    const { native, listener, near, far } = await pair();
    const sent = Buffer.alloc(512 * 1024);
    new PseudoRandom(5).fill(sent.subarray(0, 64 * 1024));
    const got: Buffer[] = [];
    let at = 0;
    let echoed = 0;
    const done = Promise.withResolvers<void>();
    const write = (): void => {
      at += native.writeStream(near, sent, at, sent.length);
      native.watchStream(near, true, at < sent.length);
      if (at === sent.length) assert.equal(native.shutDownStream(near), 0);
    };
    const before = turns;
    onEvent = (event, stream, value) => {
      if (event === STREAM_EVENTS.room) write();
      else if (stream === near) {
        assert.ok(value >= 0);
        echoed += value;
        if (value === 0) done.resolve();
      } else if (value > 0) got.push(Buffer.from(buffer.subarray(0, value)));
      else {
        assert.equal(native.writeStream(far, Buffer.from("all of it"), 0, 9), 9);
        native.shutDownStream(far);
      }
    };
    native.watchStream(far, true, false);
    write();
    await done.promise;
    assert.equal(Buffer.compare(Buffer.concat(got), sent), 0);
    assert.equal(echoed, 9);
    assert.ok(turns > before);
    for (const stream of [listener, near, far]) native.closeStream(stream, false);
  });

  it("tell of a reset and of a refusal by errno, and nothing of what was closed", async () => {
    const { native, listener, near, far } = await pair();
    const told: Told[] = [];
    onEvent = (...event) => void told.push(event);
    native.watchStream(near, true, false);
    native.closeStream(far, true);
    while (told.length === 0) await new Promise(setImmediate);
    assert.deepEqual(told, [[STREAM_EVENTS.read, near, -104]]);
    native.closeStream(near, false);
    const [gone, port] = listen();
    native.closeStream(gone, false);
    const refused = native.connectStream(HOST, port);
    while (told.length === 1) await new Promise(setImmediate);
    assert.deepEqual(told[1], [STREAM_EVENTS.connected, refused, ECONNREFUSED]);
    native.closeStream(refused, false);
    native.closeStream(listener, false);
  });

  it("refuse whatever is no stream, number, host, buffer or function", async () => {
    const { native, listener, near, far } = await pair();
    for (const value of NEITHER) {
      for (const call of [native.watchStream, native.shutDownStream, native.closeStream, native.askName, native.writeStream] as Call[])
        assert.throws(() => call(value, buffer, 0, 1), String(value));
      assert.throws(() => (native.listenStream as Call)(HOST, value, false, false, 10));
      assert.throws(() => (native.listenStream as Call)(HOST, 0, false, false, value));
      assert.throws(() => (native.listenStream as Call)(value, 0, false, false, 10));
      assert.throws(() => (native.connectStream as Call)(value, 1));
      assert.throws(() => (native.connectStream as Call)(HOST, value));
      assert.throws(() => (native.writeStream as Call)(near, value, 0, 0));
      assert.throws(() => (native.writeStream as Call)(near, buffer, value, 1));
      assert.throws(() => (native.startStreams as Call)(value, value, value));
    }
    for (const [from, to] of [
      [0, buffer.length + 1],
      [10, 9],
    ] as const)
      assert.throws(() => native.writeStream(near, buffer, from, to), RangeError);
    assert.throws(() => native.startStreams(onEvent, () => {}, buffer), /have been started/);
    for (const stream of [listener, near, far]) {
      native.closeStream(stream, false);
      assert.throws(() => native.closeStream(stream, false), RangeError);
    }
    // Descriptors that are no streams: those of the process itself.
    for (const stream of [0, 1, 2, 1_000_000]) assert.throws(() => native.closeStream(stream, false), RangeError);
  });

  it("refuse flows that cannot be, and end none that is not there", async () => {
    const { native, listener, near, far } = await pair();
    const [key, nonce, partial] = [Buffer.alloc(32), Buffer.alloc(12), Buffer.alloc(LONGEST_PARTIAL)];
    const good = [near, far, true, AES_256, key, nonce, 0x3fff, 0, Buffer.alloc(0)] as const;
    const startFlow = native.startFlow as Call;
    for (const value of [...NEITHER, 0, 2 ** 16 + 2, Buffer.alloc(11)]) {
      for (const at of [0, 1, 4, 5, 6]) assert.throws(() => startFlow(...good.with(at, value as never)), `${at} ${String(value)}`);
      assert.throws(() => (native.pendingOf as Call)(value));
      assert.throws(() => (native.endFlow as Call)(value, nonce, partial));
      assert.throws(() => (native.endFlow as Call)(near, value, partial));
      assert.throws(() => (native.endFlow as Call)(near, nonce, value));
    }
    for (const [at, value] of [
      [3, 4],
      [4, Buffer.alloc(16)],
      [6, 1023],
      [7, -1],
      [7, 0x1_0001],
      [8, Buffer.alloc(LONGEST_PARTIAL + 1)],
    ] as const)
      assert.throws(() => startFlow(...good.with(at, value as never)), RangeError, String(at));
    for (const [at, value] of [
      [0, listener],
      [1, listener],
      [1, near],
      [8, Buffer.alloc(19)],
    ] as const)
      assert.equal(startFlow(...good.with(at, value as never)), false, String(at));
    assert.equal(native.endFlow(near, nonce, partial), undefined);
    assert.equal(startFlow(...good), true);
    assert.equal(startFlow(...good), false, "a source has one flow");
    const state = native.endFlow(near, nonce, partial);
    assert.equal(state, -(2 ** 17), "awaiting a length, with nothing of it");
    assert.equal(native.endFlow(near, nonce, partial), undefined);
    for (const stream of [listener, near, far]) native.closeStream(stream, false);
    assert.throws(() => startFlow(...good), RangeError);
  });

  it("survive being closed from within any event, in any order", async () => {
    const random = new PseudoRandom(9);
    const { native } = start();
    const [listener, port] = listen();
    const open = new Set<number>();
    const [nonce, nothing, longest] = [Buffer.alloc(12), Buffer.alloc(0), Buffer.alloc(LONGEST_PARTIAL)];
    let flows = 0;
    let made = 0;
    onEvent = (event, stream, value) => {
      if (event === STREAM_EVENTS.accepted && value >= 0) open.add(value);
      if (event === STREAM_EVENTS.connected && value >= 0) native.writeStream(stream, buffer, 0, random.below(buffer.length));
      for (const candidate of [...open].slice(0, 2)) {
        const other = [...open].at(random.below(open.size))!;
        const kind = random.below(8);
        if (kind === 0) {
          const seals = random.below(2) === 0;
          flows += Number(native.startFlow(candidate, other, seals, AES_128, Buffer.alloc(16), nonce, 4096, 0, nothing));
        }
        if (kind === 1) native.endFlow(candidate, nonce, longest);
        else if (random.below(3) > 0) native.watchStream(candidate, random.below(2) === 0, random.below(2) === 0);
        else {
          open.delete(candidate);
          native.closeStream(candidate, random.below(2) === 0);
        }
      }
    };
    while (made < ROUNDS || open.size > 0) {
      for (let i = 0; i < 20 && made < ROUNDS; i++, made++) {
        const stream = native.connectStream(HOST, port);
        if (stream >= 0) open.add(stream);
      }
      for (const stream of [...open].slice(0, 10)) {
        open.delete(stream);
        native.closeStream(stream, random.below(2) === 0);
      }
      await new Promise(setImmediate);
    }
    assert.ok(flows > 0);
    native.closeStream(listener, false);
    onEvent = () => {};
  });
});
