import type { FuzzTarget } from "../harness/target.ts";
import { addresses } from "./addresses.ts";
import { configurations } from "./configurations.ts";
import { datagramManagement } from "./datagram-management.ts";
import { documents } from "./documents.ts";
import { frontDoors } from "./front-doors.ts";
import { grpcCalls } from "./grpc-calls.ts";
import { httpParts } from "./http-parts.ts";
import { legacyStreams } from "./legacy-streams.ts";
import { memberMessages } from "./member-messages.ts";
import { nativeTargets } from "./native-addon.ts";
import { packetAnswers } from "./packet-answers.ts";
import { packetRequests } from "./packet-requests.ts";
import { proxyHeaders } from "./proxy-headers.ts";
import { streamAnswers } from "./stream-answers.ts";
import { streamRequests } from "./stream-requests.ts";

/** Every parser that reads what strangers, clients, peers or operators send. */
export const targets: readonly FuzzTarget[] = [
  ...frontDoors,
  proxyHeaders,
  ...httpParts,
  ...addresses,
  ...streamRequests,
  ...streamAnswers,
  ...legacyStreams,
  ...packetRequests,
  ...packetAnswers,
  ...documents,
  ...configurations,
  datagramManagement,
  grpcCalls,
  memberMessages,
  ...nativeTargets,
];
