import { managementSchema } from "@shadowfleet/control-api";
import { storeSchema } from "@shadowfleet/store";
import { z } from "zod";

const MEMBER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** `fleet`: makes the gateway a member whose upstreams come from management and whose failCnt is shared through the store. */
export const fleetSchema = z.strictObject({
  management: managementSchema,
  store: storeSchema,
  /** Unique in the fleet. Default: made of the service, the host name and, outside of containers, the process id. */
  memberId: z.string().regex(MEMBER_ID, "must be 1 to 64 letters, digits, dots, dashes and underscores").optional(),
});

export type FleetConfig = z.output<typeof fleetSchema>;
