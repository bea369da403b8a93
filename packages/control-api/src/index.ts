export { Access, type AccessToken, accessToken, neededRole, ROLES, type Role } from "./access.ts";
export { SourceAllowances } from "./allowance.ts";
export { authInterceptor } from "./auth-interceptor.ts";
export type { TelemetryOptions } from "./call-record.ts";
export type { Caller } from "./caller.ts";
export type { ClientTelemetry } from "./client-telemetry.ts";
export type { ApplyConfiguration } from "./config-inbox.ts";
export { ConfigWatcher, type ConfigWatcherOptions, type WatchTiming } from "./config-watcher.ts";
export { ContractJson } from "./contract-json.ts";
export { type ControlChannel, type ControlTarget, controlChannel } from "./control-channel.ts";
export { ControlServer, type ControlServerOptions } from "./control-server.ts";
export { connectFleet, type FleetChannel, type FleetClients } from "./fleet-channel.ts";
export { FullJitter, type FullJitterOptions } from "./full-jitter.ts";
export {
  AccessKey,
  AccessKeyLimits,
  AccessKeyServiceClient,
  type AccessKeyServiceServer,
  AccessKeyServiceService,
  AccessKeyState,
  AccessKeyUsage,
  CalendarUnit,
  CalendarWindow,
  CreateAccessKeyRequest,
  CreateAccessKeyResponse,
  DeleteAccessKeyRequest,
  DeleteAccessKeyResponse,
  GetAccessConfigRequest,
  GetAccessConfigResponse,
  GetAccessKeyRequest,
  GetAccessKeyResponse,
  GetAccessUriRequest,
  GetAccessUriResponse,
  LifetimeWindow,
  ListAccessKeysRequest,
  ListAccessKeysResponse,
  Origin,
  QrFormat,
  Quota,
  QuotaAction,
  ResetQuotaRequest,
  ResetQuotaResponse,
  RollingWindow,
  RotateAccessLinkRequest,
  RotateAccessLinkResponse,
  RotateSecretRequest,
  RotateSecretResponse,
  SecretOverlap,
  UpdateAccessKeyRequest,
  UpdateAccessKeyResponse,
} from "./gen/shadowfleet/v1/access_key.ts";
export {
  ConfigDelta,
  ConfigKey,
  ConfigPort,
  ConfigServiceClient,
  type ConfigServiceServer,
  ConfigServiceService,
  ConfigSnapshot,
  ConfigUpstream,
  FailCount,
  Heartbeat,
  MemberCommand,
  OldSecretUse,
  PortStatus,
  ReportStatusRequest,
  ReportStatusResponse,
  WatchConfigRequest,
  WatchConfigResponse,
} from "./gen/shadowfleet/v1/config.ts";
export {
  Event,
  EventServiceClient,
  type EventServiceServer,
  EventServiceService,
  ListEventsRequest,
  ListEventsResponse,
  WatchEventsRequest,
  WatchEventsResponse,
} from "./gen/shadowfleet/v1/event.ts";
export {
  ConfigConflict,
  DrainMemberRequest,
  DrainMemberResponse,
  FleetServiceClient,
  type FleetServiceServer,
  FleetServiceService,
  GetFleetRequest,
  GetFleetResponse,
  Member,
  MemberKind,
} from "./gen/shadowfleet/v1/fleet.ts";
export {
  CreatePortRequest,
  CreatePortResponse,
  DeletePortRequest,
  DeletePortResponse,
  GetPortRequest,
  GetPortResponse,
  ListPortsRequest,
  ListPortsResponse,
  Port,
  PortBinding,
  PortServiceClient,
  type PortServiceServer,
  PortServiceService,
} from "./gen/shadowfleet/v1/port.ts";
export {
  ListSessionsRequest,
  ListSessionsResponse,
  Session,
  SessionServiceClient,
  type SessionServiceServer,
  SessionServiceService,
  TerminateSessionsRequest,
  TerminateSessionsResponse,
  Transport,
  WatchSessionsRequest,
  WatchSessionsResponse,
} from "./gen/shadowfleet/v1/session.ts";
export {
  ByteCounts,
  ExportTrafficRequest,
  ExportTrafficResponse,
  GetTrafficRequest,
  GetTrafficResponse,
  ListTrafficBucketsRequest,
  ListTrafficBucketsResponse,
  ListTrafficRequest,
  ListTrafficResponse,
  ResetTrafficRequest,
  ResetTrafficResponse,
  Traffic,
  TrafficBucket,
  TrafficExportRow,
  TrafficRate,
  TrafficServiceClient,
  type TrafficServiceServer,
  TrafficServiceService,
  TrafficSubject,
  WatchTrafficRequest,
  WatchTrafficResponse,
} from "./gen/shadowfleet/v1/traffic.ts";
export {
  CreateUpstreamRequest,
  CreateUpstreamResponse,
  DeleteUpstreamRequest,
  DeleteUpstreamResponse,
  ExplainPickRequest,
  ExplainPickResponse,
  GetUpstreamRequest,
  GetUpstreamResponse,
  ListUpstreamsRequest,
  ListUpstreamsResponse,
  PickExplanation,
  ResetCircuitRequest,
  ResetCircuitResponse,
  Upstream,
  UpstreamServiceClient,
  type UpstreamServiceServer,
  UpstreamServiceService,
} from "./gen/shadowfleet/v1/upstream.ts";
export { type CallContext, type HandlerOptions, Handlers, type ResponseStream, type ServerStreaming, type Unary } from "./handlers.ts";
export { type LocalCall, LocalCallError } from "./local-call.ts";
export { LocalCalls, type LocalMethod, type ServiceHost } from "./local-calls.ts";
export { type ManagementTarget, type ManagementTls, managementSchema } from "./management-schema.ts";
export type { MemberIdentity, MemberOrder, MemberState } from "./member.ts";
export { type MemberConfiguration, type MemberPort, NO_CONFIGURATION } from "./member-configuration.ts";
export { createIdentity, type MemberService, memberIdSchema } from "./member-identity.ts";
export {
  type CallFailure,
  detailsOf,
  fromServiceError,
  invalidRequest,
  RpcError,
  type RpcStatus,
  statusName,
  toRpcStatus,
} from "./rpc-error.ts";
export { insecureServerCredentials, ReplaceableTls, type ServerTls, secureContextOf } from "./server-tls.ts";
export { SharedMap } from "./shared-map.ts";
export { decodeStatus, ERROR_DOMAIN, encodeStatus, type FieldViolation, type StatusDetails } from "./status-details.ts";
export { telemetryInterceptor } from "./telemetry-interceptor.ts";
