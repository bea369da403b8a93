import { managementSchema, memberIdSchema } from "@shadowfleet/control-api";
import { storeSchema } from "@shadowfleet/store";
import { z } from "zod";

/** `fleet`: makes a relay a member whose ports and keys come from management and whose counters go to the store. */
export const fleetSchema = z.strictObject({
  management: managementSchema,
  store: storeSchema,
  /** Address this relay binds its ports on, instead of what management says: for several relays on one machine. */
  bindHost: z.string().min(1).optional(),
  /** Unique in the fleet. Default: made of the service, the host name and, outside of containers, the process id. */
  memberId: memberIdSchema.optional(),
});

export type FleetConfig = z.output<typeof fleetSchema>;
