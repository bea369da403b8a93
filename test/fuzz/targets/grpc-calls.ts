import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { Metadata, type MethodDefinition, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  AccessKeyServiceService,
  ConfigServiceService,
  EventServiceService,
  FleetServiceService,
  PortServiceService,
  SessionServiceService,
  TrafficServiceService,
  UpstreamServiceService,
} from "@shadowfleet/control-api";
import { Upstreams } from "../../../services/management/src/domain/upstreams.ts";
import { AccessConfigs } from "../../../services/management/src/doors/access-config.ts";
import { AccessLinks } from "../../../services/management/src/doors/access-links.ts";
import { EventTail } from "../../../services/management/src/events/event-tail.ts";
import { accessKeyService } from "../../../services/management/src/services/access-key-service.ts";
import { ConfigCalls } from "../../../services/management/src/services/config-service.ts";
import { eventService } from "../../../services/management/src/services/event-service.ts";
import { fleetService } from "../../../services/management/src/services/fleet-service.ts";
import { portService } from "../../../services/management/src/services/port-service.ts";
import { sessionService } from "../../../services/management/src/services/session-service.ts";
import { trafficService } from "../../../services/management/src/services/traffic-service.ts";
import { upstreamService } from "../../../services/management/src/services/upstream-service.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { pick } from "../models/addresses.ts";
import { FuzzedPlane } from "../models/control-plane.ts";
import { SAMPLES } from "../models/grpc-samples.ts";

type Definition = MethodDefinition<object, object>;
type Status = { readonly code: number; readonly details: string };

interface Method {
  readonly definition: Definition;
  readonly handler: (call: unknown, callback: (error: Status | null, response: object) => void) => void;
}

/** Every method of the API by its name, served by management's own handlers. */
function methodsOf(plane: FuzzedPlane): ReadonlyMap<string, Method> {
  const { context, handlers, keys, ports } = plane;
  const configs = new AccessConfigs(context, new AccessLinks(context, () => "https://fleet.example"));
  const services: readonly (readonly [object, object])[] = [
    [AccessKeyServiceService, accessKeyService(context, keys, configs, handlers)],
    [PortServiceService, portService(context, ports, handlers)],
    [UpstreamServiceService, upstreamService(context, new Upstreams(context), handlers)],
    [TrafficServiceService, trafficService(context, handlers)],
    [SessionServiceService, sessionService(context, handlers)],
    [FleetServiceService, fleetService(context, "1", handlers)],
    [EventServiceService, eventService(context, new EventTail(context.store, 5), handlers)],
    [ConfigServiceService, new ConfigCalls(context, keys).service(handlers)],
  ];
  const methods = new Map<string, Method>();
  for (const [definitions, implementation] of services) {
    for (const [name, definition] of Object.entries(definitions as Record<string, Definition>)) {
      const handler = (implementation as UntypedServiceImplementation)[name] as unknown as Method["handler"];
      methods.set(definition.path.split("/").at(-1) ?? "", { definition, handler });
    }
  }
  return methods;
}

const NAMES = [...Object.keys(SAMPLES), "GetFleet", "ExplainPick"];
/** Writes are what builds a state that the reads then meet. */
const WRITES = ["CreateAccessKey", "CreateAccessKey", "CreatePort", "CreateUpstream", "UpdateAccessKey", "RotateSecret"];
const STREAM_TURNS = 3;

let running: { readonly plane: FuzzedPlane; readonly methods: ReadonlyMap<string, Method> } | undefined;

async function start(): Promise<NonNullable<typeof running>> {
  const plane = await new FuzzedPlane().start();
  return { plane, methods: methodsOf(plane) };
}

/** The server's side of a call, as grpc-js would hand it over. */
function createCall(definition: Definition, request: object, written: (message: object) => void): EventEmitter {
  return Object.assign(new EventEmitter(), {
    request,
    metadata: new Metadata(),
    getDeadline: () => Date.now() + 300,
    getPath: () => definition.path,
    write(message: object): boolean {
      written(message);
      return true;
    },
    end(this: EventEmitter): void {
      this.emit("error", { code: status.OK, details: "" });
    },
  });
}

async function invoke({ definition, handler }: Method, request: object): Promise<Status> {
  const outcome = Promise.withResolvers<Status>();
  const check = (message: object): void => void definition.responseSerialize(message);
  const call = createCall(definition, request, check);
  call.on("error", (error: Status) => outcome.resolve(error));
  handler(call, (error, response) => {
    if (!error) check(response);
    outcome.resolve(error ?? { code: status.OK, details: "" });
  });
  if (definition.responseStream) {
    for (let turns = 0; turns < STREAM_TURNS; turns += 1) await turn();
    call.emit("cancelled");
  }
  return outcome.promise;
}

/** Whoever may call can put anything into any field: the answer is a response or a status that says what is wrong. */
export const grpcCalls: FuzzTarget = {
  name: "grpc",
  reaches: ["ok", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "ABORTED", "undecodable"],
  tokens: ["\0", "\u00ff", "../", "__proto__", "after:", "\u00ed\u00a0\u0080", "%n", "key-1", "\r\n"],
  isStructured: true,
  unit: 2_000,
  generate(random) {
    const name = random.below(2) === 0 ? pick(WRITES, random) : pick(NAMES, random);
    return [Buffer.of(NAMES.indexOf(name)), Buffer.from(SAMPLES[name]?.(random).finish() ?? [])];
  },
  async execute(parts) {
    running ??= await start();
    const [first, ...rest] = parts;
    const method = running.methods.get(NAMES[(first?.[0] ?? 0) % NAMES.length] ?? "");
    assert.ok(method);
    let request: object;
    try {
      request = method.definition.requestDeserialize(Buffer.concat(rest));
    } catch (error) {
      assert.ok(error instanceof Error);
      return "undecodable";
    }
    const { code, details } = await invoke(method, request);
    assert.deepEqual(running.plane.takeErrors(), [], method.definition.path);
    assert.ok(code !== status.INTERNAL && code !== status.UNKNOWN, `${method.definition.path}: ${details}`);
    return code === status.OK ? "ok" : (status[code] ?? String(code));
  },
  async close() {
    await running?.plane.close();
    running = undefined;
  },
};
