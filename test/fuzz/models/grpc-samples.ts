import {
  type CalendarUnit,
  CreateAccessKeyRequest,
  CreatePortRequest,
  CreateUpstreamRequest,
  DeleteAccessKeyRequest,
  DeletePortRequest,
  DeleteUpstreamRequest,
  DrainMemberRequest,
  ExportTrafficRequest,
  GetAccessConfigRequest,
  GetAccessKeyRequest,
  GetAccessUriRequest,
  GetPortRequest,
  GetTrafficRequest,
  GetUpstreamRequest,
  ListAccessKeysRequest,
  ListEventsRequest,
  ListPortsRequest,
  ListSessionsRequest,
  ListTrafficBucketsRequest,
  ListTrafficRequest,
  ListUpstreamsRequest,
  MemberKind,
  type QrFormat,
  type QuotaAction,
  ReportStatusRequest,
  ResetCircuitRequest,
  ResetQuotaRequest,
  ResetTrafficRequest,
  RotateAccessLinkRequest,
  RotateSecretRequest,
  TerminateSessionsRequest,
  UpdateAccessKeyRequest,
  WatchConfigRequest,
  WatchEventsRequest,
  WatchSessionsRequest,
  WatchTrafficRequest,
} from "@shadowfleet/control-api";
import type { PseudoRandom } from "@shadowfleet/testkit";
import { pick } from "./addresses.ts";

interface Encodable {
  finish(): Uint8Array;
}

const KEYS = ["key-1", "key-2", "key-3", "KEY 1", ""];
const PORTS = [8388, 8389, 0, 65_535];
const METHODS = ["", "aes-256-gcm", "2022-blake3-aes-256-gcm", "2022-blake3-aes-128-gcm", "rc4-md5"];
const SECRETS = ["", "a password", "AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];
const TARGETS = ["10.0.0.0/8", "fd00::/8", "a.example", "::1%lo", "::ffff:0:0/95", ""];
const FIELDS = [
  "display_name",
  "disabled",
  "disabled_reason",
  "start_time",
  "expire_time",
  "allow_targets",
  "deny_targets",
  ...["limits", "limits.quota", "limits.device_grace", "limits.max_sessions"],
  "secret",
  "__proto__",
];
const DAY_MS = 86_400_000;
const BASE_MS = Date.UTC(2030, 0, 1);

const EVENT_TYPES = ["key.*", "key.created", "key.quota.*", ".*", ""];

type Sample = (random: PseudoRandom) => Encodable;

const id = (random: PseudoRandom): string => pick(KEYS, random);
const time = (random: PseudoRandom): Date | undefined =>
  pick([undefined, undefined, new Date(BASE_MS + random.below(1_000) * DAY_MS), new Date(0)], random);
const page = (random: PseudoRandom): { pageSize: number; pageToken: string } => ({
  pageSize: pick([0, 1, 2, 1_000], random),
  pageToken: pick(["", Buffer.from("after:key-1").toString("base64url")], random),
});

const bits = (random: PseudoRandom): bigint => pick([0n, 0n, 8_000n, 7_999n, 20_000_000n, 2n ** 64n - 1n], random);

function limits(random: PseudoRandom): NonNullable<Parameters<typeof CreateAccessKeyRequest.fromPartial>[0]["accessKey"]>["limits"] {
  const calendar = {
    unit: random.below(6) as CalendarUnit,
    timeZone: pick(["", "UTC", "Europe/Berlin", "Mars", "+01:00"], random),
    anchorDay: random.below(33),
  };
  const window = pick(
    [
      { $case: "calendar", value: calendar } as const,
      { $case: "rolling", value: { days: random.below(62) } } as const,
      { $case: "lifetime", value: {} } as const,
    ],
    random,
  );
  return {
    ...(random.below(2) === 0 && {
      quota: {
        bytes: pick([1n, 50_000_000_000n, 0n, 2n ** 53n], random),
        window,
        action: random.below(4) as QuotaAction,
        throttleBitsPerSecond: bits(random),
      },
    }),
    upBitsPerSecond: bits(random),
    maxDevices: random.below(3),
    deviceGrace: { seconds: pick([0n, 60n, 3_601n, -1n], random), nanos: random.below(1e9) },
    maxSessions: pick([0, 1, 2 ** 32 - 1], random),
  };
}

function accessKey(random: PseudoRandom): Parameters<typeof CreateAccessKeyRequest.fromPartial>[0]["accessKey"] {
  return {
    id: id(random),
    displayName: pick(["", "Anna", "\u{1f600}"], random),
    port: pick(PORTS, random),
    secret: pick(SECRETS, random),
    disabled: random.below(4) === 0,
    disabledReason: pick(["", "unpaid"], random),
    startTime: time(random),
    expireTime: time(random),
    allowTargets: random.below(4) === 0 ? [pick(TARGETS, random)] : [],
    denyTargets: random.below(4) === 0 ? [pick(TARGETS, random), "10.0.0.1"] : [],
    ...(random.below(2) === 0 && { limits: limits(random) }),
    resourceVersion: pick([0n, 0n, 1n, 2n ** 64n - 1n], random),
  };
}

const member = (random: PseudoRandom): { id: string; kind: MemberKind; epoch: string; startTime: Date; appliedRevision: bigint } => ({
  id: pick(["relay-1", "gateway-1", ""], random),
  kind: pick([MemberKind.MEMBER_KIND_TCP_RELAY, MemberKind.MEMBER_KIND_GATEWAY, MemberKind.MEMBER_KIND_UNSPECIFIED], random),
  epoch: "1",
  startTime: new Date(BASE_MS),
  appliedRevision: BigInt(random.below(50)),
});

const events = (random: PseudoRandom): { afterEventId: string; types: string[]; subject: string } => ({
  afterEventId: pick(["", "1", "7", "1790000000000-0", "-1"], random),
  types: random.below(2) === 0 ? [] : [pick(EVENT_TYPES, random)],
  subject: pick(["", "", id(random)], random),
});

/** A valid or nearly valid request of every method that takes one, under the method's path. */
export const SAMPLES: Readonly<Record<string, Sample>> = {
  GetAccessKey: (r) => GetAccessKeyRequest.encode(GetAccessKeyRequest.fromPartial({ id: id(r) })),
  ListAccessKeys: (r) => ListAccessKeysRequest.encode(ListAccessKeysRequest.fromPartial({ ...page(r), port: pick(PORTS, r) })),
  CreateAccessKey: (r) =>
    CreateAccessKeyRequest.encode(CreateAccessKeyRequest.fromPartial({ accessKey: accessKey(r), requestId: pick(["", "", "once"], r) })),
  UpdateAccessKey: (r) =>
    UpdateAccessKeyRequest.encode(
      UpdateAccessKeyRequest.fromPartial({ accessKey: accessKey(r), updateMask: [pick(FIELDS, r), pick(FIELDS.slice(0, 11), r)] }),
    ),
  DeleteAccessKey: (r) =>
    DeleteAccessKeyRequest.encode(DeleteAccessKeyRequest.fromPartial({ id: id(r), resourceVersion: BigInt(r.below(3)) })),
  RotateSecret: (r) =>
    RotateSecretRequest.encode(
      RotateSecretRequest.fromPartial({
        id: id(r),
        secret: pick(SECRETS, r),
        overlap: { seconds: BigInt(r.below(100)), nanos: r.below(1e9) },
      }),
    ),
  GetAccessUri: (r) =>
    GetAccessUriRequest.encode(GetAccessUriRequest.fromPartial({ id: id(r), host: pick(["", "a.example", "::1", "%"], r) })),
  GetPort: (r) => GetPortRequest.encode(GetPortRequest.fromPartial({ port: pick(PORTS, r) })),
  ListPorts: (r) => ListPortsRequest.encode(ListPortsRequest.fromPartial(page(r))),
  CreatePort: (r) =>
    CreatePortRequest.encode(
      CreatePortRequest.fromPartial({ port: { port: pick(PORTS, r), host: pick(["", "::", "127.0.0.1"], r), method: pick(METHODS, r) } }),
    ),
  DeletePort: (r) => DeletePortRequest.encode(DeletePortRequest.fromPartial({ port: pick(PORTS, r), force: r.below(2) === 0 })),
  GetUpstream: (r) => GetUpstreamRequest.encode(GetUpstreamRequest.fromPartial({ id: id(r) })),
  ListUpstreams: (r) => ListUpstreamsRequest.encode(ListUpstreamsRequest.fromPartial(page(r))),
  CreateUpstream: (r) =>
    CreateUpstreamRequest.encode(
      CreateUpstreamRequest.fromPartial({
        accessUri: pick(["", "", "ss://YWVzLTI1Ni1nY206eA@192.0.2.1:8388#x"], r),
        upstream: {
          id: id(r),
          host: pick(["", "relay.example"], r),
          port: pick(PORTS, r),
          method: pick(METHODS, r),
          secret: pick(SECRETS, r),
        },
      }),
    ),
  DeleteUpstream: (r) => DeleteUpstreamRequest.encode(DeleteUpstreamRequest.fromPartial({ id: id(r) })),
  ListEvents: (r) => ListEventsRequest.encode(ListEventsRequest.fromPartial({ ...page(r), ...events(r) })),
  WatchEvents: (r) => WatchEventsRequest.encode(WatchEventsRequest.fromPartial(events(r))),
  ResetCircuit: (r) => ResetCircuitRequest.encode(ResetCircuitRequest.fromPartial({ id: id(r) })),
  GetTraffic: (r) => {
    const subject = pick([{ $case: "accessKeyId", value: id(r) } as const, { $case: "port", value: pick(PORTS, r) } as const], r);
    return GetTrafficRequest.encode(GetTrafficRequest.fromPartial({ subject: { subject } }));
  },
  ListTraffic: (r) => ListTrafficRequest.encode(ListTrafficRequest.fromPartial(page(r))),
  WatchTraffic: (r) =>
    WatchTrafficRequest.encode(
      WatchTrafficRequest.fromPartial({ accessKeyId: id(r), interval: { seconds: BigInt(r.below(5)), nanos: 0 } }),
    ),
  ListTrafficBuckets: (r) =>
    ListTrafficBucketsRequest.encode(ListTrafficBucketsRequest.fromPartial({ accessKeyId: id(r), startTime: time(r), endTime: time(r) })),
  ExportTraffic: (r) =>
    ExportTrafficRequest.encode(ExportTrafficRequest.fromPartial({ accessKeyId: id(r), startTime: time(r), endTime: time(r) })),
  ResetQuota: (r) => ResetQuotaRequest.encode(ResetQuotaRequest.fromPartial({ id: id(r) })),
  ResetTraffic: (r) => ResetTrafficRequest.encode(ResetTrafficRequest.fromPartial({ accessKeyId: id(r) })),
  ListSessions: (r) => ListSessionsRequest.encode(ListSessionsRequest.fromPartial({ ...page(r), accessKeyId: id(r) })),
  WatchSessions: (r) => WatchSessionsRequest.encode(WatchSessionsRequest.fromPartial({ accessKeyId: id(r) })),
  TerminateSessions: (r) =>
    TerminateSessionsRequest.encode(TerminateSessionsRequest.fromPartial({ target: { $case: "accessKeyId", value: id(r) } })),
  DrainMember: (r) => DrainMemberRequest.encode(DrainMemberRequest.fromPartial({ id: id(r) })),
  WatchConfig: (r) =>
    WatchConfigRequest.encode(
      WatchConfigRequest.fromPartial({ member: member(r), knownRevision: BigInt(r.below(9)), knownGeneration: "g" }),
    ),
  ReportStatus: (r) =>
    ReportStatusRequest.encode(
      ReportStatusRequest.fromPartial({
        member: member(r),
        ports: [{ port: pick(PORTS, r), bound: true, error: "" }],
        oldSecretUses: [{ accessKeyId: id(r), time: time(r) }],
      }),
    ),
  GetAccessConfig: (r) =>
    GetAccessConfigRequest.encode(
      GetAccessConfigRequest.fromPartial({
        id: id(r),
        host: pick(["", "relay.example", "::1", "no host"], r),
        qrFormat: pick([0, 0, 1, 2, 9], r) as QrFormat,
        qrOfLink: r.below(4) === 0,
      }),
    ),
  RotateAccessLink: (r) =>
    RotateAccessLinkRequest.encode(RotateAccessLinkRequest.fromPartial({ id: id(r), resourceVersion: BigInt(r.below(3)) })),
};
