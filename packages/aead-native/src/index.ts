export { type BackendChoice, chooseAeadBackend } from "./choose-backend.ts";
export { withAeadBackend } from "./with-aead-backend.ts";
