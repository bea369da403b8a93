import { runService } from "@shadowfleet/runtime";
import { udpRelayService } from "./service.ts";

await runService(udpRelayService);
