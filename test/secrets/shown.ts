import { ListSessionsRequest, ListTrafficRequest } from "@shadowfleet/control-api";
import { Api } from "../fleet/api.ts";
import type { PlantedFleet } from "./planted-fleet.ts";

/** What every admin port shows, its mistakes included. */
export async function adminPages(fleet: PlantedFleet): Promise<string> {
  const paths = ["/metrics", "/readyz", "/healthz", "/config", "/debug/pprof", "/metrics?token=x", "/"];
  const pages = [...fleet.processes.values()].flatMap(({ adminPort }) =>
    paths.map(async (path) => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).text()),
  );
  return (await Promise.all(pages)).join("\n");
}

/** Everything that a viewer may look at, as JSON. */
export async function viewerAnswers(fleet: PlantedFleet): Promise<string> {
  const api = new Api(fleet.ports.management, fleet.access("viewer"));
  const { accessKeys, ports, upstreams, traffic, sessions, fleet: members } = api.clients;
  const page = { pageSize: 0, pageToken: "" };
  const answers = [
    await api.call(accessKeys, accessKeys.listAccessKeys, { ...page, port: 0 }),
    await api.call(accessKeys, accessKeys.getAccessKey, { id: "carol" }),
    await api.call(accessKeys, accessKeys.getAccessKey, { id: "declared" }),
    await api.call(ports, ports.listPorts, page),
    await api.call(ports, ports.getPort, { port: fleet.ports.relay }),
    await api.call(upstreams, upstreams.listUpstreams, page),
    await api.call(upstreams, upstreams.getUpstream, { id: "carols" }),
    await api.call(upstreams, upstreams.explainPick, {}),
    await api.call(traffic, traffic.getTraffic, { subject: undefined }),
    await api.call(traffic, traffic.listTraffic, ListTrafficRequest.fromPartial({})),
    await api.call(sessions, sessions.listSessions, ListSessionsRequest.fromPartial({})),
    await api.call(members, members.getFleet, {}),
  ];
  api.close();
  return JSON.stringify(answers, (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
