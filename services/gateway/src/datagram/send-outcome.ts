import type { ErrorCode } from "@shadowfleet/runtime";

/** Asked of the kernel for bursts; it grants up to net.core.rmem_max. */
export const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** The registered code of a datagram that was not sent. */
export function sendFailure(error: Error | undefined): ErrorCode {
  return (error as NodeJS.ErrnoException | undefined)?.code === "EMSGSIZE" ? "PACKET_TOO_LARGE" : "UDP_SEND_FAILED";
}
