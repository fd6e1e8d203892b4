/**
 * A Lambda function on this machine: its runtime's HTTP interface, a process per sandbox that is stopped between calls as the real
 * one is frozen, a limit of memory and one of time. Not reproduced: a share of a CPU, and the role.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { residentMib } from '../bench/measure.ts';

export interface LambdaOptions {
  readonly name: string;
  /** Holds `bundle.mjs`. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  /** What a call is told it has. */
  readonly timeoutMs: number;
  /** When it is killed: at its timeout unless told. Later, where a test is to see that it ends by itself. */
  readonly killedAfterMs?: number;
  /** Sandboxes are started as if it were so much later. */
  readonly aheadMs?: number;
}

export interface Lambda extends AsyncDisposable {
  /** In a sandbox that is free, or in a new one. Rejects with a `FunctionError`. */
  invoke(event: unknown): Promise<any>;
  /** Kills every sandbox as the runtime does at the timeout. */
  timeOut(): void;
  /** Started so far. */
  readonly sandboxes: () => number;
  /** The error types of the calls that failed, in order. */
  readonly failures: () => readonly string[];
  /** What all of them wrote. */
  readonly logs: () => string;
  /** Milliseconds that each sandbox took to import its bundle. */
  readonly importsMs: () => readonly number[];
  readonly peakMib: () => number;
}

export class FunctionError extends Error {
  readonly errorType: string;
  constructor(errorType: string, message: string) {
    super(message);
    this.name = 'FunctionError';
    this.errorType = errorType;
  }
}

interface Call {
  readonly id: string;
  readonly event: unknown;
  readonly done: PromiseWithResolvers<any>;
}

interface Seen {
  logs: string;
  readonly importsMs: number[];
  peakMib: number;
  started: number;
  readonly failures: string[];
}

interface Sandbox {
  readonly call: (call: Call) => void;
  readonly isFree: () => boolean;
  readonly kill: (errorType: string) => void;
  readonly close: () => Promise<void>;
}

const BOOTSTRAP = fileURLToPath(new URL('./bootstrap.mjs', import.meta.url));
/** Of the memory limit; the rest is for what is not in the heap. */
const HEAP_SHARE = 0.9;

export function lambda(options: LambdaOptions): Lambda {
  const sandboxes = new Set<Sandbox>();
  const seen: Seen = { logs: '', importsMs: [], peakMib: 0, started: 0, failures: [] };

  return {
    invoke: async (event) => {
      const call: Call = { id: randomUUID(), event, done: Promise.withResolvers() };
      const free = [...sandboxes].find((one) => one.isFree());
      const sandbox = free ?? (await start(options, seen, (gone) => sandboxes.delete(gone)));
      sandboxes.add(sandbox);
      sandbox.call(call);
      return call.done.promise;
    },
    timeOut: () => {
      for (const sandbox of sandboxes) sandbox.kill('Sandbox.Timedout');
    },
    sandboxes: () => seen.started,
    failures: () => seen.failures,
    logs: () => seen.logs,
    importsMs: () => seen.importsMs,
    peakMib: () => seen.peakMib,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...sandboxes].map((sandbox) => sandbox.close()));
    },
  };
}

async function start(
  { name, dir, env, memoryMb, timeoutMs, killedAfterMs = timeoutMs, aheadMs = 0 }: LambdaOptions,
  seen: Seen,
  onGone: (sandbox: Sandbox) => void,
): Promise<Sandbox> {
  let current: Call | null = null;
  /** The sandbox has asked for work, and has got none yet. */
  let idle: ServerResponse | null = null;
  let timer: NodeJS.Timeout | undefined;
  seen.started++;

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${Math.floor(memoryMb * HEAP_SHARE)}`, BOOTSTRAP, dir, 'bundle.handler'],
    {
      cwd: dir,
      env: {
        PATH: process.env['PATH'] ?? '',
        TZ: ':UTC',
        AWS_REGION: 'us-east-1',
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        CLOCK_AHEAD_MS: String(aheadMs),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text: Buffer) => {
      seen.logs = (seen.logs + text.toString()).slice(-200_000);
    });
  }

  function deliver(call: Call, response: ServerResponse): void {
    idle = null;
    timer = setTimeout(() => kill('Sandbox.Timedout'), killedAfterMs);
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': call.id,
      'lambda-runtime-deadline-ms': String(Date.now() + timeoutMs),
      'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    });
    response.end(JSON.stringify(call.event));
    child.kill('SIGCONT');
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace('/2018-06-01/runtime', '');
    if (path === '/invocation/next') {
      const importMs = Number(request.headers['x-import-ms']);
      if (!seen.importsMs.includes(importMs)) seen.importsMs.push(importMs);
      idle = response;
      if (current === null) child.kill('SIGSTOP');
      else deliver(current, response);
      return;
    }
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString() || 'null');
    // A call that was given up has an answer that nobody waits for.
    if (path === '/init/error' || path === `/invocation/${current?.id}/error`) {
      fail(body.errorType, body.errorMessage);
    } else if (path === `/invocation/${current?.id}/response`) {
      const peak = residentMib(child.pid ?? 0).peak;
      seen.peakMib = Math.max(seen.peakMib, peak);
      if (peak > memoryMb) return kill('Runtime.OutOfMemory');
      settle((call) => call.done.resolve(body));
    }
    response.writeHead(202).end('{}');
  }

  function settle(tell: (call: Call) => void): void {
    clearTimeout(timer);
    const call = current;
    current = null;
    if (call !== null) tell(call);
  }

  function fail(errorType: string, message: string): void {
    settle((call) => {
      seen.failures.push(errorType);
      call.done.reject(new FunctionError(errorType, `${errorType}: ${message}`));
    });
  }

  function kill(errorType: string): void {
    fail(errorType, name);
    onGone(sandbox);
    child.kill('SIGKILL');
  }

  child.once('exit', (code, signal) => {
    fail('Runtime.ExitError', `${name} ended with ${code ?? signal}`);
    onGone(sandbox);
    server.close();
    server.closeAllConnections();
  });

  const sandbox: Sandbox = {
    call: (call) => {
      current = call;
      if (idle !== null) deliver(call, idle);
    },
    isFree: () => current === null,
    kill,
    close: async () => {
      const gone = exited(child);
      child.kill('SIGKILL');
      await gone;
    },
  };
  return sandbox;
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
