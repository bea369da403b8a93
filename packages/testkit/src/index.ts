export { type BlackHole, blackHole, startBlackHole } from "./black-hole.ts";
export { docker, engineMissingReason, type ImageName, serviceImage } from "./container-engine.ts";
export { type CurlResult, curlMissingReason, runCurl } from "./curl.ts";
export { DeadlineError, eventually, withDeadline } from "./deadline.ts";
export { findProgram, missingProgramsReason } from "./find-program.ts";
export { writeForwardingPlugin } from "./forwarding-plugin.ts";
export { freePort, isPortFree } from "./free-port.ts";
export { type LoopbackHost, type LoopbackOptions, type LoopbackTarget, startTcpTarget, type TcpTarget } from "./loopback-server.ts";
export { createMemoryLogger, type LogLine, type MemoryLogger } from "./memory-logger.ts";
export { countHandles, expectNoOpenHandles, leftOver } from "./open-handles.ts";
export { type RedisOptions, RedisServer, redisCli, redisInfoField, redisMissingReason, redisSays, startRedis } from "./peers/redis.ts";
export { type RedisCluster, startRedisCluster } from "./peers/redis-cluster.ts";
export { type SentinelSetup, type SentinelSetupOptions, startSentinelSetup } from "./peers/redis-sentinel.ts";
export {
  type LocalPeerOptions,
  type Peer,
  type PeerOptions,
  peerMissingReason,
  startSsLocal,
  startSsServer,
} from "./peers/shadowsocks-libev.ts";
export { type ProbeOptions, type ProbeResult, probe } from "./prober.ts";
export {
  type ExitStatus,
  type ProgramOptions,
  type ProgramResult,
  RunningProgram,
  runProgram,
  startNodeScript,
  startProgram,
} from "./process.ts";
export { type BinaryHeaderOptions, binaryProxyHeader, type ProxiedEnds, textProxyHeader } from "./proxy-header.ts";
export { PseudoRandom, pseudoRandomSha256 } from "./pseudo-random.ts";
export { type Measurement, RecordingMetrics } from "./recording-metrics.ts";
export { ResultQueue } from "./result-queue.ts";
export { ScriptedEnvironment, type ScriptedEnvironmentOptions } from "./scripted-environment.ts";
export { SecretFolder } from "./secret-folder.ts";
export { ConnectionEndedError, readExactly, readThrough } from "./socket-reader.ts";
export { decodeSocksAddress, encodeSocksAddress, type SocksEndpoint } from "./socks-address.ts";
export {
  type HttpConnectAnswer,
  httpConnect,
  openSocket,
  type ProxyAnswer,
  type ProxyRequest,
  SOCKS5_BIND,
  SOCKS5_CONNECT,
  SOCKS5_UDP_ASSOCIATE,
  type Socks5Answer,
  type Socks5Request,
  socks4Connect,
  socks5Request,
} from "./socks-client.ts";
export {
  AssociateRefusedError,
  type AssociateRequest,
  SocksAssociation,
  type SocksDatagram,
  socks5Associate,
  unwrapDatagram,
  wrapDatagram,
} from "./socks-udp-client.ts";
export { byteByByte, feed, randomSplits, type Split, type SplitOptions, splitsOf, twoWaySplits } from "./splits.ts";
export {
  type FirstFin,
  type HalfCloseOptions,
  holdClosedPort,
  type Received,
  type ReceivingTarget,
  type SourceOptions,
  startBlackHoleTarget,
  startEchoTarget,
  startHalfCloseTarget,
  startNeverReadingTarget,
  startServerFirstTarget,
  startSinkTarget,
  startSourceTarget,
} from "./tcp-targets.ts";
export { type OtlpReceiver, startOtlpReceiver } from "./traces/otlp-receiver.ts";
export { type RecordSpansOptions, recordSpans, SpanRecorder } from "./traces/span-recorder.ts";
export type { TracedSpan } from "./traces/traced-span.ts";
export {
  bindUdp,
  closeUdp,
  type Datagram,
  type ManySourceTarget,
  startManySourceUdpTarget,
  startSilentUdpTarget,
  startUdpEchoTarget,
  type UdpTarget,
} from "./udp-targets.ts";
export {
  fromHex,
  type IdentityVector,
  type KeyVector,
  type ShadowsocksVectors,
  type Sip004Vector,
  type Sip022AesUdpVector,
  type Sip022ChachaUdpVector,
  type Sip022Vector,
  shadowsocksVectors,
  vectorOf,
} from "./vectors.ts";
export { isSignedWith, type WebhookCall, WebhookReceiver, type WebhookReceiverOptions } from "./webhook-receiver.ts";
