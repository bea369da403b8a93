import { createHash } from "node:crypto";
import { type LocalCalls, PortServiceService as Ports } from "@shadowfleet/control-api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { ManagementContext } from "../context.ts";
import { type Door, DoorError } from "../http/door.ts";
import { VERSION } from "../version.ts";
import { FleetCalls } from "./fleet-calls.ts";
import { OutlineKeys } from "./outline-keys.ts";
import { bodyOf } from "./request-body.ts";

/** An `apiUrl` ends with the token; scripts may send it as a bearer token instead. */
const PREFIXES = ["/outline", "/outline/:token"];

/** What Outline's servers change at run time and a fleet has in its configuration. */
const CONFIGURED = {
  "/name": "a fleet has no name",
  "/server/hostname-for-access-keys": "publicHost",
  "/server/port-for-new-access-keys": "defaults.port",
  "/server/access-key-data-limit": "limits are each key's own",
  "/experimental/access-key-data-limit": "limits are each key's own",
};

const ERROR_NAMES: Readonly<Record<string, string>> = { not_found: "NotFoundError", invalid_argument: "InvalidArgument" };

type Serve = (fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** The access-key REST API of Outline's servers (shadowbox, api.yml), as its manager and scripts speak it. */
export function outlineDoor(context: ManagementContext, calls: LocalCalls): Door {
  const keys = new OutlineKeys(context);
  const route = (server: FastifyInstance, method: "GET" | "POST" | "PUT" | "DELETE", path: string, serve: Serve): void => {
    for (const prefix of PREFIXES) {
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const fleet = new FleetCalls(context, calls, request, reply);
        await fleet.admit();
        return serve(fleet, request, reply);
      };
      server.route({ method, url: `${prefix}${path}`, handler });
    }
  };
  return {
    name: "outline",
    routes: (server) => {
      route(server, "GET", "/server", (fleet) => serverInfo(context, fleet));
      for (const [path, setting] of Object.entries(CONFIGURED)) {
        route(server, "PUT", path, async () => refuseSetting(setting));
        route(server, "DELETE", path, async () => refuseSetting(setting));
      }
      route(server, "GET", "/access-keys", (fleet) => keys.list(fleet));
      route(server, "POST", "/access-keys", (fleet, request, reply) => keys.create(fleet, request, reply));
      route(server, "GET", "/access-keys/:id", (fleet, request) => keys.show(fleet, request));
      route(server, "PUT", "/access-keys/:id", (fleet, request, reply) => keys.create(fleet, request, reply));
      route(server, "DELETE", "/access-keys/:id", (fleet, request, reply) => keys.remove(fleet, request, reply));
      route(server, "PUT", "/access-keys/:id/name", (fleet, request, reply) => keys.rename(fleet, request, reply));
      route(server, "PUT", "/access-keys/:id/data-limit", (fleet, request, reply) => keys.limit(fleet, request, reply));
      route(server, "DELETE", "/access-keys/:id/data-limit", (fleet, request, reply) => keys.unlimit(fleet, request, reply));
      route(server, "GET", "/metrics/transfer", (fleet) => keys.transfer(fleet));
      route(server, "GET", "/metrics/enabled", async () => ({ metricsEnabled: false }));
      route(server, "PUT", "/metrics/enabled", async (_fleet, request, reply) => setMetrics(request, reply));
    },
    errorBody: ({ code, message }) => ({ code: ERROR_NAMES[code] ?? code, message }),
  };
}

async function serverInfo({ settings }: ManagementContext, fleet: FleetCalls): Promise<object> {
  const { ports } = await fleet.unary(Ports.listPorts, { pageSize: 1_000, pageToken: "" });
  const created = ports.flatMap(({ createTime }) => (createTime ? [createTime.getTime()] : []));
  return {
    name: "Shadowfleet",
    serverId: createHash("sha256").update(`shadowfleet\0${settings.publicHost}`).digest("hex").slice(0, 32),
    metricsEnabled: false,
    createdTimestampMs: created.length > 0 ? Math.min(...created) : 0,
    version: VERSION,
    portForNewAccessKeys: settings.defaults.port,
    hostnameForAccessKeys: settings.publicHost,
  };
}

function refuseSetting(setting: string): never {
  const message = `this is not changed over this API: it is in management's configuration (${setting})`;
  throw new DoorError({ httpStatus: 501, code: "unimplemented", message });
}

/** Nothing is ever sent to anyone, so only "no" can be agreed to. */
function setMetrics(request: FastifyRequest, reply: FastifyReply): void {
  const { metricsEnabled } = bodyOf(z.object({ metricsEnabled: z.boolean() }), request);
  if (metricsEnabled) refuseSetting("metrics are not shared with anyone");
  reply.code(204);
}
