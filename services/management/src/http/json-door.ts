import { Readable } from "node:stream";
import { ContractJson, type LocalCalls } from "@shadowfleet/control-api";
import type { Clock } from "@shadowfleet/runtime";
import type { FastifyInstance } from "fastify";
import { connectErrorOf } from "./call-status.ts";
import { CONNECT_STREAM, connectFrames, readConnectFrame } from "./connect-frames.ts";
import type { Door } from "./door.ts";
import { incomingCall } from "./incoming-call.ts";
import { jsonLines, NDJSON } from "./json-lines.ts";

type Method = LocalCalls["methods"][number];

/**
 * Every method of the API as Connect's unary JSON: `POST /shadowfleet.v1.AccessKeyService/ListAccessKeys`. Streams as lines of JSON, or in
 * Connect's frames for clients that ask in them.
 */
export function jsonDoor(calls: LocalCalls, clock: Clock): Door {
  const contract = new ContractJson();

  const serveUnary = (server: FastifyInstance, method: Method): void => {
    server.post(method.path, async (request, reply) => {
      const call = incomingCall(request, reply, clock.now());
      // Who may not call is not told what is wrong with the request.
      const message = calls.callerOf(method, call.authorization) ? contract.readRequest(method, request.body as never) : undefined;
      return contract.showResponse(method, await calls.unary(method, message, call));
    });
  };

  const serveStream = (server: FastifyInstance, method: Method): void => {
    server.post(method.path, async (request, reply) => {
      const isConnect = request.headers["content-type"]?.startsWith(CONNECT_STREAM) ?? false;
      const call = incomingCall(request, reply, clock.now());
      const isAdmitted = calls.callerOf(method, call.authorization) !== undefined;
      const body = isConnect ? readConnectFrame(request.body as Buffer) : request.body;
      const messages = calls.stream(method, isAdmitted ? contract.readRequest(method, body as never) : undefined, call);
      // Throws why it is refused, and has it counted.
      if (!isAdmitted) await messages.next();
      const shown = shownMessages(messages, (message) => contract.showResponse(method, message as never));
      reply.type(isConnect ? CONNECT_STREAM : NDJSON).header("x-accel-buffering", "no");
      return reply.send(Readable.from(isConnect ? connectFrames(shown) : jsonLines(shown), { objectMode: false }));
    });
  };

  return {
    name: "json",
    routes: (server) => {
      server.addContentTypeParser(CONNECT_STREAM, { parseAs: "buffer" }, (_request, body, done) => done(null, body));
      for (const method of calls.methods) (method.responseStream ? serveStream : serveUnary)(server, method);
    },
    errorBody: ({ status, code, message }) => (status ? connectErrorOf(status) : { code, message }),
  };
}

async function* shownMessages(messages: AsyncIterable<unknown>, show: (message: unknown) => unknown): AsyncGenerator<object, void> {
  for await (const message of messages) yield show(message) as object;
}
