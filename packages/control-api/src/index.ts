export { ControlServer, type ControlServerOptions, insecureServerCredentials } from "./control-server.ts";
