/** What every long-running process of ours does at its beginning and its end. */
import type { ServerType } from '@hono/node-server';

/** Resolves when the server listens; rejects when it cannot. */
export function listening(server: ServerType): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('listening', () => resolve());
    server.once('error', reject);
  });
}

/** The first SIGINT or SIGTERM ends in good order with exit code 0, another one at once with 1. */
export function endOnSignals(end: () => Promise<void>): void {
  let isEnding = false;
  const onSignal = (): void => {
    if (isEnding) process.exit(1);
    isEnding = true;
    end().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`Entrepot did not end in good order: ${inOneLine(error)}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
}

/** What a person is told when a start fails: the message of our own errors, cut. */
export function inOneLine(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  if ('code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `port ${error.port} is in use: end what has it, or choose others with PORT and BUCKET_PORT`;
  }
  return error.message.replaceAll(/\s*\n\s*/g, ' ').slice(0, 1_000);
}
