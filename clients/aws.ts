/** What the SDK's clients of AWS have in common here: nothing is looked up that was not given, and nothing is printed. */
import { requestHandler } from '#runtime/aws.ts';

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
export function awsSettings(bounds: AwsBounds) {
  return {
    retryMode: 'standard',
    maxAttempts: bounds.attemptsMax,
    // Each of these is looked up in the environment and in ~/.aws when it is left out.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    defaultsMode: 'standard',
    userAgentAppId: 'entrepot',
    logger: SILENT,
    requestHandler: requestHandler(bounds, SILENT),
  } as const;
}

/** The SDK would print warnings of its own. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}
