import { gatewayService } from "@shadowfleet/gateway";
import { managementService } from "@shadowfleet/management";
import { runService } from "@shadowfleet/runtime";
import { tcpRelayService } from "@shadowfleet/tcp-relay";
import { udpRelayService } from "@shadowfleet/udp-relay";
import { standaloneService } from "./standalone/service.ts";

const RUN: Readonly<Record<string, (argv: string[]) => Promise<void>>> = {
  gateway: (argv) => runService(gatewayService, argv),
  "tcp-relay": (argv) => runService(tcpRelayService, argv),
  "udp-relay": (argv) => runService(udpRelayService, argv),
  management: (argv) => runService(managementService, argv),
  standalone: (argv) => runService(standaloneService, argv),
};

const USAGE = `shadowfleet COMMAND [flags]

  standalone   the whole fleet in one process, with a demo access key
  gateway      SOCKS and HTTP proxy for applications, Shadowsocks behind
  tcp-relay    Shadowsocks server for TCP
  udp-relay    Shadowsocks server for UDP
  management   the fleet's control plane

shadowfleet COMMAND --help tells a command's flags.
`;

const [command = "", ...argv] = process.argv.slice(2);
const run = RUN[command];
if (run) await run(argv);
else if (command === "--help" || command === "help") process.stdout.write(USAGE);
else {
  process.stderr.write(command === "" ? USAGE : `shadowfleet: there is no command "${command}"\n\n${USAGE}`);
  process.exitCode = 2;
}
