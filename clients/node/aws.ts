/** How the SDK's clients reach AWS: over sockets of Node that are kept. */
import type { AgentOptions } from 'node:http';
import type { AwsBounds } from '../aws.ts';

/** Options of the SDK's own handler: a new object each time, since the SDK writes into it. */
export function requestHandler<Logger>(
  { socketsMax, connectMs, requestMs, idleMs }: Omit<AwsBounds, 'attemptsMax'>,
  logger: Logger,
) {
  const agent: AgentOptions = { keepAlive: true, maxSockets: socketsMax };
  return {
    connectionTimeout: connectMs,
    ...(requestMs === undefined ? {} : { requestTimeout: requestMs, throwOnRequestTimeout: true }),
    ...(idleMs === undefined ? {} : { socketTimeout: idleMs }),
    httpAgent: agent,
    httpsAgent: agent,
    logger,
  };
}

/** Its handler takes streams of Node as they are. */
export function takingStreams<Client>(client: Client): Client {
  return client;
}
