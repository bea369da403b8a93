import { runService } from "@shadowfleet/runtime";
import { tcpRelayService } from "./service.ts";

await runService(tcpRelayService);
