import { runService } from "@shadowfleet/runtime";
import { managementService } from "./service.ts";

await runService(managementService);
