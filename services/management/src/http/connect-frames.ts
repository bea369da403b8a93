import { invalidRequest, LocalCallError, toRpcStatus } from "@shadowfleet/control-api";
import { connectErrorOf } from "./call-status.ts";

export const CONNECT_STREAM = "application/connect+json";

const HEAD = 5;
const END_STREAM = 0b10;

/** The one message of a server stream's request (connectrpc.com/docs/protocol, "Streaming-Request"). Throws RpcError INVALID_REQUEST. */
export function readConnectFrame(bytes: Buffer): unknown {
  const refuse = (description: string): never => {
    throw invalidRequest([{ field: "body", description }]);
  };
  if (bytes.length < HEAD || bytes.readUInt32BE(1) !== bytes.length - HEAD) return refuse("is not one enveloped message");
  if (bytes[0] !== 0) return refuse("must not be compressed");
  try {
    return JSON.parse(bytes.toString("utf8", HEAD));
  } catch {
    return refuse("is not JSON");
  }
}

/** Messages in Connect's envelopes, and how it ended in the last. */
export async function* connectFrames(messages: AsyncIterable<object>): AsyncGenerator<Buffer, void> {
  try {
    for await (const message of messages) yield frame(0, message);
  } catch (error) {
    const status = error instanceof LocalCallError ? error.status : toRpcStatus(error);
    yield frame(END_STREAM, { error: connectErrorOf(status) });
    return;
  }
  yield frame(END_STREAM, {});
}

function frame(flags: number, message: object): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD);
  head.writeUInt8(flags);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
}
