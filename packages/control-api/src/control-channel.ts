import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { ChannelCredentials, type ClientOptions, InterceptingCall, type Interceptor } from "@grpc/grpc-js";

/** Where management is and how to be let in. */
export interface ControlTarget {
  /** `host:port`, or several as `ipv4:127.0.0.1:9190,127.0.0.1:9191`. */
  readonly address: string;
  /** PEM texts; undefined: plaintext. */
  readonly tls?: {
    /** Undefined: the authorities the system trusts. */
    readonly ca?: Buffer;
    /** Client certificate, where management asks for one. */
    readonly cert?: Buffer;
    readonly key?: Buffer;
    /** The name the certificate is for, where it is not the host of the address. */
    readonly serverName?: string;
  };
  readonly token?: string;
  /** Stand before each call, behind the token's. */
  readonly interceptors?: readonly Interceptor[];
}

/** The three arguments of a generated client's constructor. */
export interface ControlChannel {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly options: ClientOptions;
}

export function controlChannel({ address, tls, token, interceptors = [] }: ControlTarget): ControlChannel {
  const ip = tls && tls.serverName === undefined ? ipAddressOf(address) : undefined;
  const serverName = ip === undefined ? tls?.serverName : NAME_FOR_ADDRESSES;
  const options: ClientOptions = {
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    // Nobody publishes a service configuration as TXT record; where the name server does not answer, a process would wait for it at its end.
    "grpc.service_config_disable_resolution": 1,
    ...(serverName === undefined ? {} : { "grpc.ssl_target_name_override": serverName }),
    interceptors: [...(token === undefined ? [] : [tokenInterceptor(token)]), ...interceptors],
  };
  return { address, credentials: tls ? sslCredentials(tls, ip) : ChannelCredentials.createInsecure(), options };
}

/** Sent as SNI where the target is an IP address, which TLS does not allow there and Node refuses; the certificate must be the address's. */
const NAME_FOR_ADDRESSES = "localhost";

function sslCredentials({ ca, cert, key }: NonNullable<ControlTarget["tls"]>, ip: string | undefined): ChannelCredentials {
  const verify = ip === undefined ? {} : { checkServerIdentity: (_name: string, peer: PeerCertificate) => checkServerIdentity(ip, peer) };
  return ChannelCredentials.createSsl(ca ?? null, key ?? null, cert ?? null, verify);
}

/** The IP address of `127.0.0.1:9190`, `[::1]:9190` or the same behind a `dns:` scheme; undefined for a name or a list. */
function ipAddressOf(address: string): string | undefined {
  const [, bracketed, plain] = /^(?:dns:(?:\/\/\/)?)?(?:\[([^\]]+)\]|([^:/,]+)):\d+$/.exec(address) ?? [];
  const host = bracketed ?? plain ?? "";
  return isIP(host) === 0 ? undefined : host;
}

// Not call credentials: grpc-js sends those over TLS only, and on loopback plaintext is allowed.
function tokenInterceptor(token: string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.set("authorization", `Bearer ${token}`);
        next(metadata, listener);
      },
    });
}
