// What the console reads of the contract (proto/shadowfleet/v1) in its JSON form: 64-bit numbers and times are texts, defaults are left out.

export interface Timestamped {
  readonly createTime?: string;
  readonly updateTime?: string;
}

export interface AccessKey extends Timestamped {
  readonly id: string;
  readonly displayName?: string;
  readonly port?: number;
  readonly method?: string;
  readonly state?: string;
  readonly disabled?: boolean;
  readonly disabledReason?: string;
  readonly startTime?: string;
  readonly expireTime?: string;
  readonly resourceVersion?: string;
  readonly origin?: string;
  readonly overlap?: { readonly expireTime?: string; readonly oldSecretLastUsedTime?: string };
  readonly allowTargets?: readonly string[];
  readonly denyTargets?: readonly string[];
  readonly limits?: Limits;
  readonly usage?: Usage;
}

export interface Limits {
  readonly quota?: Quota;
  readonly upBitsPerSecond?: string;
  readonly downBitsPerSecond?: string;
  readonly maxDevices?: number;
  readonly deviceGrace?: string;
  readonly maxSessions?: number;
}

export interface Quota {
  readonly bytes?: string;
  readonly calendar?: { readonly unit?: string; readonly timeZone?: string; readonly anchorDay?: number };
  readonly rolling?: { readonly days?: number };
  readonly lifetime?: object;
  readonly action?: string;
  readonly throttleBitsPerSecond?: string;
  readonly resetTime?: string;
}

export interface Usage {
  readonly quotaUsedBytes?: string;
  readonly windowStartTime?: string;
  readonly windowEndTime?: string;
  readonly exhausted?: boolean;
  readonly devices?: number;
  readonly sessions?: number;
}

export interface ByteCounts {
  readonly tcpUpBytes?: string;
  readonly tcpDownBytes?: string;
  readonly udpUpBytes?: string;
  readonly udpDownBytes?: string;
}

export interface Traffic {
  readonly subject?: string;
  readonly total?: ByteCounts;
}

export interface TrafficBucket {
  readonly startTime: string;
  readonly bytes?: ByteCounts;
}

export interface Session {
  readonly id: string;
  readonly memberId?: string;
  readonly accessKeyId?: string;
  readonly port?: number;
  readonly transport?: string;
  readonly clientAddress?: string;
  readonly startTime?: string;
  readonly upBytes?: string;
  readonly downBytes?: string;
}

export interface Member {
  readonly id: string;
  readonly kind?: string;
  readonly version?: string;
  readonly startTime?: string;
  readonly reportTime?: string;
  readonly appliedRevision?: string;
  readonly ready?: boolean;
  readonly draining?: boolean;
  readonly sessionCount?: number;
}

export interface Fleet {
  readonly revision?: string;
  readonly members?: readonly Member[];
  readonly version?: string;
  readonly conflicts?: readonly { readonly resource?: string; readonly id?: string; readonly reason?: string }[];
  readonly storeAvailable?: boolean;
}

export interface Port {
  readonly port: number;
  readonly method?: string;
  readonly insecure?: boolean;
  readonly bindings?: readonly { readonly memberId?: string; readonly bound?: boolean; readonly error?: string }[];
  readonly accessKeyCount?: number;
}

export interface Upstream {
  readonly id: string;
  readonly host?: string;
  readonly port?: number;
  readonly method?: string;
  readonly displayName?: string;
  readonly failCount?: number;
  readonly failCountTime?: string;
  readonly origin?: string;
  readonly udpHost?: string;
}

export interface PickExplanation {
  readonly upstreamId?: string;
  readonly firstPassProbability?: number;
  readonly firstTryProbability?: number;
  readonly reason?: string;
}

export interface FleetEvent {
  readonly id: string;
  readonly type?: string;
  readonly subject?: string;
  readonly time?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

const number = (text: string | undefined): number => Number(text ?? 0);

/** Payload bytes of both transports. */
export function upDown(counts: ByteCounts = {}): { readonly up: number; readonly down: number } {
  return {
    up: number(counts.tcpUpBytes) + number(counts.udpUpBytes),
    down: number(counts.tcpDownBytes) + number(counts.udpDownBytes),
  };
}

export const isDeclared = ({ origin }: { readonly origin?: string }): boolean => origin === "ORIGIN_DECLARED";
