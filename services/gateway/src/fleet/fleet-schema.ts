import { managementSchema, memberIdSchema } from "@shadowfleet/control-api";
import { storeSchema } from "@shadowfleet/store";
import { z } from "zod";

/** `fleet`: makes the gateway a member whose upstreams come from management and whose failCnt is shared through the store. */
export const fleetSchema = z.strictObject({
  management: managementSchema,
  store: storeSchema,
  /** Unique in the fleet. Default: made of the service, the host name and, outside of containers, the process id. */
  memberId: memberIdSchema.optional(),
});

export type FleetConfig = z.output<typeof fleetSchema>;
