export { NATIVE_VERDICTS } from "./addon.ts";
export { type BackendChoice, chooseAeadBackend } from "./choose-backend.ts";
export { chunkKeyOf } from "./native-aead.ts";
export {
  ARRIVAL_WORDS,
  type DatagramMemory,
  DEPARTURE_WORDS,
  type NativeDatagrams,
  RECEIVED_SLOT,
} from "./native-datagrams.ts";
export { type NativeSockets, nativeSockets, useNativeSockets } from "./native-sockets.ts";
export { type NativeStreams, STREAM_EVENTS } from "./native-streams.ts";
export { withAeadBackend } from "./with-aead-backend.ts";
