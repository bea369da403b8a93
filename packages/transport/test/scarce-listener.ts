import { listenTcp } from "../src/tcp-listener.ts";
import "./read-modes.ts";

// Run as a process of its own with few descriptors: an echo port that says what happens to it on stdout, one JSON line each.
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const listener = await listenTcp({
  host: "127.0.0.1",
  port: 0,
  maxConnections: 100_000,
  onConnection: (connection) => {
    connection.onData = (src, start, end) => void connection.send(Buffer.from(src.subarray(start, end)));
    connection.onEnd = () => connection.end();
    connection.resume();
  },
  onPauseChange: (paused, reason) => say({ paused, reason }),
});
say({ port: listener.port });
