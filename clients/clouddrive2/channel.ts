/** The connection: one HTTP/2 channel, in clear text or TLS, that is kept alive also while nothing is asked. */
import { type ChannelOptions, Client, credentials } from '@grpc/grpc-js';
import { Fault } from '#core/fault.ts';

export interface Address {
  /** `http://nas.lan:19798`, `https://…`, or `host:port`; 19798 unless told. */
  readonly url: string;
  /** The certificate of a server that signed its own, in PEM. */
  readonly certificate?: string;
  /** Most bytes of one answer. 100 MB unless told. */
  readonly receiveBytesMax?: number;
}

export interface Origin {
  readonly scheme: 'http' | 'https';
  /** `nas.lan:19798` */
  readonly host: string;
}

const MB = 1_000_000;
const DEFAULT_PORT = 19_798;

export function openChannel(address: Address): Client {
  const { scheme, host } = originOf(address.url);
  const secure = () =>
    credentials.createSsl(address.certificate === undefined ? null : Buffer.from(address.certificate));
  return new Client(host, scheme === 'https' ? secure() : credentials.createInsecure(), {
    ...CHANNEL_OPTIONS,
    'grpc.max_receive_message_length': address.receiveBytesMax ?? 100 * MB,
    'grpc.max_send_message_length': 100 * MB,
  });
}

export function originOf(url: string): Origin {
  const text = /^\w+:\/\//.test(url) ? url : `http://${url}`;
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = parsed?.protocol === 'https:' ? 'https' : 'http';
  if (parsed === undefined || parsed.hostname === '' || !/^https?:$/.test(parsed.protocol)) {
    throw new Fault('auth', 'clouddrive2.bad_address', 'the address of CloudDrive2 is like http://nas.lan:19798');
  }
  const standard = scheme === 'https' ? 443 : 80;
  const isBare = !/:\d+\/?$/.test(text);
  return { scheme, host: `${parsed.hostname}:${parsed.port || (isBare ? DEFAULT_PORT : standard)}` };
}

const CHANNEL_OPTIONS: ChannelOptions = {
  // Otherwise clients of the same address share a connection, and its breaks.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 5000,
};
