import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { agentKinds, providerKinds } from '#providers/index.ts';
import { HELP, readConfig } from './env.ts';

const folder = mkdtempSync(join(tmpdir(), 'entrepot-agent-env-'));
afterAll(() => rmSync(folder, { recursive: true }));

const about = { kinds: providerKinds, usualKinds: agentKinds, version: '1.2.3' };
const LEAST = { SERVER_URL: 'https://home.example', AGENT_ID: 'sz-1', AGENT_TOKEN: 'a-key-of-16-chars' };
const read = (args: readonly string[], env: Record<string, string> = LEAST) => readConfig(args, env, about);

it('an address, an id and a key are enough', () => {
  const config = read([]);
  expect(config).toMatchObject({
    home: { host: 'home.example', port: 12_382, security: 'tls' },
    key: LEAST.AGENT_TOKEN,
    facts: { id: 'sz-1', name: 'sz-1', version: '1.2.3', filesMax: 2, bandwidthMbps: 100, tags: {} },
    aliveFile: null,
  });
  expect(config?.facts.providers).toContain('pan115');
  expect(config?.kinds.map(({ id }) => id)).toEqual(config?.facts.providers);
});

it('offers what needs this machine, or asks for bytes by itself, only when it is named', () => {
  for (const id of ['folder', 'clouddrive2']) expect(read([])?.facts.providers).not.toContain(id);
  expect(read(['--provider', 'folder', '--provider', 's3'])?.facts.providers).toEqual(['folder', 's3']);
  expect(read([], { ...LEAST, AGENT_PROVIDERS: 'oss, folder' })?.facts.providers).toEqual(['oss', 'folder']);
});

it('flags win over variables, and an empty variable is none', () => {
  const env = { ...LEAST, AGENT_NAME: 'by variable', MAX_CONCURRENT: '7', BANDWIDTH: '', AGENT_TAGS: 'region=a,isp=b' };
  const told = ['--agent-name', '客厅', '--max-concurrent', '3', '--bandwidth', '40', '--tag', 'region=华南'];
  expect(read(told, env)?.facts).toMatchObject({
    name: '客厅',
    filesMax: 3,
    bandwidthMbps: 40,
    tags: { region: '华南' },
  });
  expect(read([], env)?.facts).toMatchObject({ filesMax: 7, bandwidthMbps: 100, tags: { region: 'a', isp: 'b' } });
});

it('the key may come as a file', () => {
  const path = join(folder, 'key');
  writeFileSync(path, 'a-key-from-a-file\n');
  expect(read([], { ...LEAST, AGENT_TOKEN: '', AGENT_TOKEN_FILE: path })?.key).toBe('a-key-from-a-file');
});

it.each([
  ['https://home.example:8443', { host: 'home.example', port: 8443, security: 'tls' }],
  ['https://home.example:443/', { host: 'home.example', port: 443, security: 'tls' }],
  ['http://localhost', { host: 'localhost', port: 12_382, security: 'plain' }],
  ['http://127.0.0.1:1', { host: '127.0.0.1', port: 1, security: 'plain' }],
  ['http://[::1]:80', { host: '[::1]', port: 80, security: 'plain' }],
])('%s is an address', (url, home) => {
  expect(read(['--server-url', url])?.home).toEqual(home);
});

it('in clear text it goes to another machine only when it is told so', () => {
  expect(() => read(['--server-url', 'http://192.168.1.2'])).toThrow(/in clear text/);
  expect(read(['--server-url', 'http://192.168.1.2', '--insecure'])?.home.security).toBe('plain');
  expect(read(['--server-url', 'http://nas.lan'], { ...LEAST, AGENT_INSECURE: '1' })?.home.security).toBe('plain');
});

it.each([
  [['--agent-id', 'Not An Id'], /AGENT_ID \(--agent-id\): use 1 to 64/],
  [['--server-url', 'home.example:12382'], /SERVER_URL \(--server-url\)/],
  [['--max-concurrent', '65'], /MAX_CONCURRENT/],
  [['--max-concurrent', 'many'], /MAX_CONCURRENT/],
  [['--tag', 'region'], /AGENT_TAGS .*region=cn-south/],
  [['--provider', 'dropbox'], /dropbox is none of folder, s3/],
  [['--ca-file', join(folder, 'none')], /SERVER_CA.*ENOENT/],
  [['--grpc-port', '1'], /grpc-port/],
])('%s is refused in words', (args, message) => {
  expect(() => read(args)).toThrow(message);
});

it('quotes no key in what it complains of', () => {
  expect(() => read(['--token', 'short-secret'])).toThrow(/AGENT_TOKEN \(--token\): has at least 16/);
  expect(() => read(['--token', 'short-secret'])).not.toThrow(/short-secret/);
});

it('help names every flag', () => {
  expect(read(['--help'], {})).toBeNull();
  for (const flag of [
    'server-url',
    'agent-id',
    'agent-name',
    'token',
    'max-concurrent',
    'bandwidth',
    'tag',
    'provider',
  ]) {
    expect(HELP).toContain(`--${flag}`);
  }
});
