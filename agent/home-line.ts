/** The line to the home: it is dialled from here, and nothing listens. */
import {
  type ChannelOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  makeClientConstructor,
} from '@grpc/grpc-js';
import { faultOfStatus } from '#clients/agents/faults.ts';
import { MESSAGE_BYTES_MAX, service } from '#clients/agents/interface.ts';
import type { AgentLineClient } from '#proto/generated/agent/AgentLine.ts';
import type { EnrolReply__Output } from '#proto/generated/agent/EnrolReply.ts';
import type { FromAgent } from '#proto/generated/agent/FromAgent.ts';
import type { Piece__Output } from '#proto/generated/agent/Piece.ts';
import type { ToAgent__Output } from '#proto/generated/agent/ToAgent.ts';

export interface HomeAddress {
  readonly host: string;
  readonly port: number;
  /** `authority`: the certificate that the home's was signed with, in PEM, where it is not a known one. */
  readonly security: 'plain' | 'tls' | { readonly authority: Buffer };
}

export interface HomeLine {
  /** Rejects with a Fault: `auth` `agent.wrong_key`, `transient` `agent.lost`… */
  enrol(key: string, agentId: string): Promise<EnrolReply__Output>;
  attach(token: string): ClientDuplexStream<FromAgent, ToAgent__Output>;
  read(token: string, callId: string): ClientReadableStream<Piece__Output>;
  /** Breaks what is under way. */
  close(): void;
}

/** To enrol is one round trip, and a connection that has to be made. */
const ENROL_MS = 30_000;
/** Of the bytes of one part that may be on their way: 20 MiB/s where a round trip takes 50 ms. Each part has as much to itself. */
const WINDOW_BYTES = 1024 * 1024;

export function homeLine({ host, port, security }: HomeAddress): HomeLine {
  const dial = (options: ChannelOptions): AgentLineClient => {
    const channel =
      security === 'plain'
        ? credentials.createInsecure()
        : credentials.createSsl(security === 'tls' ? null : security.authority);
    // The library's clients know no types; these are generated from the same text.
    return new Line(`${host}:${port}`, channel, { ...OPTIONS, ...options }) as unknown as AgentLineClient;
  };
  // Words never queue behind bytes.
  const words = dial({});
  const bytes = dial({ 'grpc-node.flow_control_window': WINDOW_BYTES });

  return {
    enrol: (key, agentId) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + ENROL_MS;
        words.Enrol({ key, agent_id: agentId }, new Metadata(), { deadline }, (error, reply) => {
          if (reply) resolve(reply);
          else reject(faultOfStatus(error));
        });
      }),
    attach: (token) => words.Attach(bearer(token)),
    read: (token, callId) => bytes.Read({ call_id: callId }, bearer(token)),
    close: () => {
      words.close();
      bytes.close();
    },
  };
}

const Line = makeClientConstructor(service, 'AgentLine');

const OPTIONS: ChannelOptions = {
  // Otherwise both clients would share a connection.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  // A home that went without a word is noticed, and routers on the way do not forget a line on which nothing happens.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 45_000,
  'grpc.keepalive_permit_without_calls': 1,
  // Nobody has written there how to call us.
  'grpc.service_config_disable_resolution': 1,
  // A new try is made when the agent wants one; the library would wait for up to two minutes.
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // What failed halfway must not be repeated by anybody who does not know what it was.
  'grpc.enable_retries': 0,
};

function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}
