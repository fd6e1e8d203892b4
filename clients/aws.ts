/** What the SDK's clients of AWS have in common here: nothing is looked up that was not given, and nothing is printed. */
import type { AgentOptions } from 'node:http';

/** Of one client. `requestMs` ends a whole request, `idleMs` one whose socket is silent for so long. */
export interface AwsBounds {
  /** Tries per call, with the SDK's jittered pauses between them. */
  readonly attemptsMax: number;
  readonly socketsMax: number;
  readonly connectMs: number;
  readonly requestMs?: number;
  readonly idleMs?: number;
}

/** To be spread into the options of any client. Answers a new object each time: the SDK writes into it. */
export function awsSettings({ attemptsMax, socketsMax, connectMs, requestMs, idleMs }: AwsBounds) {
  const agent: AgentOptions = { keepAlive: true, maxSockets: socketsMax };
  return {
    retryMode: 'standard',
    maxAttempts: attemptsMax,
    // Each of these is looked up in the environment and in ~/.aws when it is left out.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    defaultsMode: 'standard',
    userAgentAppId: 'entrepot',
    logger: SILENT,
    requestHandler: {
      connectionTimeout: connectMs,
      ...(requestMs === undefined ? {} : { requestTimeout: requestMs, throwOnRequestTimeout: true }),
      ...(idleMs === undefined ? {} : { socketTimeout: idleMs }),
      httpAgent: agent,
      httpsAgent: agent,
      logger: SILENT,
    },
  } as const;
}

/** The SDK would print warnings of its own. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}
