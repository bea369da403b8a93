import { FleetError } from "@shadowfleet/runtime";

/** The outcome of a store call, or STORE_UNAVAILABLE when there is none in time. What the call does later is nobody's business. */
export async function withinDeadline<T>(call: Promise<T>, limitMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new FleetError("STORE_UNAVAILABLE", `no answer within ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}
