export { type BackendChoice, chooseAeadBackend } from "./choose-backend.ts";
export {
  ARRIVAL_WORDS,
  type DatagramMemory,
  DEPARTURE_WORDS,
  type NativeDatagrams,
  nativeDatagrams,
  RECEIVED_SLOT,
  useNativeDatagrams,
} from "./native-datagrams.ts";
export { withAeadBackend } from "./with-aead-backend.ts";
