/** Where agents come in: gRPC on a port of its own. This end of the line is the port `Agents`. */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { refusalOf } from '#clients/agents/faults.ts';
import { DEFAULT_PORT, isLoopback, MESSAGE_BYTES_MAX, PROTOCOL, service } from '#clients/agents/interface.ts';
import { readJson } from '#clients/agents/json.ts';
import { Fault } from '#core/fault.ts';
import type { AgentsHere } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import { type AgentBytes, AgentFacts, type AgentId } from '#core/wire/agent.ts';
import type { EnrolReply } from '#proto/generated/agent/EnrolReply.ts';
import type { EnrolRequest__Output } from '#proto/generated/agent/EnrolRequest.ts';
import type { FromAgent__Output } from '#proto/generated/agent/FromAgent.ts';
import type { Hello__Output } from '#proto/generated/agent/Hello.ts';
import type { ToAgent } from '#proto/generated/agent/ToAgent.ts';
import { every } from '../timers.ts';
import { bareAddress } from './address.ts';
import { pump, type Reading } from './bytes.ts';
import { enrolment } from './enrolment.ts';
import { type AgentBook, agentLinks } from './links.ts';
import { agentTokens, type Pass } from './tokens.ts';
import type { BytesPolicy } from './ways.ts';

export interface AgentServer {
  readonly agents: AgentsHere;
  /** For those who come another way first: with the key to a token, and from a token to its agent. */
  readonly enrol: ReturnType<typeof enrolment>;
  readonly readPass: (token: string) => Promise<Pass | null>;
  /** Takes agents in; answers the port. Rejects when it cannot listen, and where it should not. */
  listen(where: Where): Promise<number>;
  /** Tells all agents to come back later, and ends. Takes some seconds at most. */
  close(): Promise<void>;
}

export interface Where {
  /** 127.0.0.1 unless told. */
  readonly host?: string;
  /** 12382 unless told; 0: a free one. */
  readonly port?: number;
  /**
   * PEM of certificate chain and key. `loopback`: in clear text, for agents of this machine. `plain`: in clear text for everybody,
   * where something before it does TLS or a network of one's own is trusted.
   */
  readonly security: { readonly certificate: Buffer; readonly key: Buffer } | 'loopback' | 'plain';
}

export interface AgentServerParts {
  readonly clock: Clock;
  /** Pre-shared: who has it may be an agent. */
  readonly key: string;
  /** Signs tokens. Any random text: with another one agents enrol again. */
  readonly tokenSecret: string;
  readonly tokenTtlSeconds?: number;
  readonly book: AgentBook;
  /** Absent: all bytes of parts go over the agents' lines. */
  readonly bytes?: BytesPolicy;
  /** An agent's bytes go another way from now on: it has come to reach the bucket, or does not any more. */
  readonly onBytes?: (id: AgentId, bytes: AgentBytes, was: AgentBytes) => void;
  /** Of what nobody waits for, as a note that could not be written. */
  readonly onError: (error: unknown) => void;
}

const HEARTBEAT_MS = 30_000;
const SWEEP_MS = 10_000;
const HELLO_MS = 10_000;
const CLOSE_MS = 2_000;

export function agentServer(parts: AgentServerParts): AgentServer {
  const { clock, key, tokenSecret, tokenTtlSeconds, book, bytes = null, onBytes = ignore, onError } = parts;
  const ttl = tokenTtlSeconds === undefined ? {} : { ttlSeconds: tokenTtlSeconds };
  const tokens = agentTokens({ clock, secret: tokenSecret, newId: randomUUID, ...ttl });
  const enrol = enrolment({ clock, key, tokens });
  const links = agentLinks({ clock, readPass: tokens.read, book, bytes, onBytes, onError });
  const stopped = new AbortController();
  const server = new Server(OPTIONS);

  async function passOf({ metadata }: Pick<ServerUnaryCall<unknown, unknown>, 'metadata'>): Promise<Pass> {
    const [given] = metadata.get('authorization');
    const pass = await tokens.read(/^Bearer (\S+)$/.exec(String(given))?.[1] ?? '');
    if (pass !== null) return pass;
    throw new Fault('auth', 'agent.token_refused', 'the token is not valid, or no more: enrol again');
  }

  async function attach(stream: Attaching): Promise<void> {
    const pass = await passOf(stream);
    const messages = stream[Symbol.asyncIterator]();
    const facts = factsOf(await firstOf(messages), pass);
    const address = addressOf(stream.getPeer());
    await book.met(facts, address);
    if (stream.cancelled) return;
    if (stopped.signal.aborted) throw new Fault('transient', 'agent.home_closing', 'the home is about to end');
    const write = (message: ToAgent, onLeft: () => void): void => void stream.write(message, onLeft);
    write({ welcome: { heartbeat_ms: HEARTBEAT_MS } }, () => undefined);
    const link = links.attach({ facts, address, pass, wire: { write, end: () => stream.end() } });
    stream.once('cancelled', link.end);
    try {
      for (let next = await messages.next(); !next.done; next = await messages.next()) link.hear(next.value);
    } finally {
      link.end();
    }
    stream.end();
  }

  async function firstOf(messages: AsyncIterator<FromAgent__Output>): Promise<FromAgent__Output> {
    const patience = new AbortController();
    const late = clock.sleep(HELLO_MS, patience.signal).then(
      () => undefined,
      () => undefined,
    );
    const first = await Promise.race([messages.next(), late]).finally(() => patience.abort());
    if (first !== undefined && !first.done) return first.value;
    throw new Fault('transient', 'agent.no_hello', 'the agent did not introduce itself');
  }

  async function read(reading: Reading): Promise<void> {
    const { id } = await passOf(reading);
    const { open, over } = links.errand(id, reading.request.call_id);
    await pump(reading, open, over);
  }

  /** Ends a stream with what went wrong. */
  const refuse = (stream: NodeJS.EventEmitter) => (error: unknown) => stream.emit('error', refusalOf(error));

  // By the names that the library makes of the interface's own.
  server.addService(service, {
    enrol: (call: ServerUnaryCall<EnrolRequest__Output, EnrolReply>, reply: sendUnaryData<EnrolReply>) => {
      enrol(call.request, addressOf(call.getPeer())).then(
        ({ token, validSeconds }) => reply(null, { token, valid_seconds: validSeconds }),
        (error: unknown) => reply(refusalOf(error)),
      );
    },
    attach: (stream: Attaching) => void attach(stream).catch(refuse(stream)),
    read: (reading: Reading) => void read(reading).catch(refuse(reading)),
  });

  return {
    agents: { attached: links.attached, call: links.call, detach: links.detach },
    enrol,
    readPass: tokens.read,
    listen: async (where) => {
      const port = await bind(server, where);
      every(clock, SWEEP_MS, stopped.signal, async () => links.sweep(), onError);
      return port;
    },
    close: async () => {
      stopped.abort();
      links.close();
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      const patience = new AbortController();
      await Promise.race([closed, clock.sleep(CLOSE_MS, patience.signal).catch(() => undefined)]);
      patience.abort();
      server.forceShutdown();
    },
  };
}

function ignore(): void {}

type Attaching = ServerDuplexStream<FromAgent__Output, ToAgent>;

/** Generous where bytes queue before a ping's answer on a slow line; heartbeats have a rule of their own. */
const OPTIONS = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 45_000,
  'grpc.max_concurrent_streams': 1_024,
};

function bind(server: Server, { host = '127.0.0.1', port = DEFAULT_PORT, security }: Where): Promise<number> {
  if (security === 'loopback' && !isLoopback(host)) {
    const text = `agents would send their key to ${host} in clear text: give a certificate, or say that it may be plain`;
    return Promise.reject(new Fault('rejected', 'agent.plain_refused', text));
  }
  const credentials =
    typeof security === 'string'
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: security.certificate, private_key: security.key }]);
  const address = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
}

function factsOf({ hello }: FromAgent__Output, { id }: Pass): AgentFacts {
  const { protocol, facts } = hello ?? NO_HELLO;
  if (protocol !== PROTOCOL) {
    throw new Fault(
      'rejected',
      'agent.other_protocol',
      'the agent is of another version than its home: update the older one',
    );
  }
  const parsed = AgentFacts.safeParse(readJson(facts));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Fault(
      'rejected',
      'agent.bad_facts',
      `what the agent says of itself: ${issue?.path.join('.')} ${issue?.message}`,
    );
  }
  if (parsed.data.id === id) return parsed.data;
  throw new Fault('auth', 'agent.token_refused', 'the token is of another agent');
}

const NO_HELLO: Hello__Output = { protocol: 0, facts: '' };

/** `1.2.3.4:567`, `::1:567` or `::ffff:1.2.3.4:567`. */
function addressOf(peer: string): string {
  return bareAddress(peer.replace(/:\d+$/, ''));
}
