import { runService } from "@shadowfleet/runtime";
import { gatewayService } from "./service.ts";

await runService(gatewayService);
