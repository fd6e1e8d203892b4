/** Debian's redis-server: a throw-away one at a port of its own, that keeps nothing. Killed, stopped and started again at will. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { havePrograms } from './apt.ts';
import { freePorts } from './free-ports.ts';

export interface RedisServer extends AsyncDisposable {
  /** With its password. */
  readonly url: string;
  readonly port: number;
  /** With TLS: the file of the certificate that whoever connects must trust. */
  readonly caFile: string;
  /** `kill -9`. Resolves once the process is gone. */
  kill(): Promise<void>;
  /** Resolves once it takes connections, at the same port. */
  start(): Promise<void>;
  /** From now on it answers nobody, and hangs up on nobody. */
  freeze(): void;
  thaw(): void;
}

const PROGRAMS = {
  purpose: 'tests of several relays',
  binaries: ['redis-server', 'openssl'],
  packages: ['redis-server', 'openssl'],
};

/** Null when there is no redis-server and none can be installed (see `havePrograms`). `more`: lines of its configuration. */
export async function startRedis({ tls = false, more = [] as readonly string[] } = {}): Promise<RedisServer | null> {
  if (!(await havePrograms(PROGRAMS))) return null;
  const dir = await mkdtemp(join(tmpdir(), 'entrepot-redis-'));
  const password = randomBytes(12).toString('hex');
  const [port = 0] = await freePorts(1);
  const [keyFile, caFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  if (tls) await certify(keyFile, caFile);
  const listen = tls
    ? ['port 0', `tls-port ${port}`, `tls-cert-file ${caFile}`, `tls-key-file ${keyFile}`, 'tls-auth-clients no']
    : [`port ${port}`];
  const config = ['bind 127.0.0.1', 'save ""', `dir ${dir}`, `requirepass ${password}`, ...listen, ...more].join('\n');
  let child: ChildProcess | null = null;

  async function kill(): Promise<void> {
    if (child === null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    child = null;
  }

  const server: RedisServer = {
    url: `${tls ? 'rediss' : 'redis'}://:${password}@127.0.0.1:${port}`,
    port,
    caFile,
    kill,
    start: async () => {
      child = await started(config);
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

async function started(config: string): Promise<ChildProcess> {
  const child = spawn('redis-server', ['-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(config);
  const said: string[] = [];
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes('Ready to accept connections')) resolve();
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`redis-server ended: ${said.slice(-10).join('\n')}`)));
  });
  return child;
}

/** A certificate of 127.0.0.1 that vouches for itself. */
async function certify(keyFile: string, certFile: string): Promise<void> {
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await promisify(execFile)('openssl', ['req', '-x509', '-days', '2', ...key, ...name, ...files]);
}
