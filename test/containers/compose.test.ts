import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { agentKinds, providerKinds } from '#providers/index.ts';
import { HELP, readConfig } from '../../agent/env.ts';
import { readEnv as readCloudEnv, readSecrets, SECRETS_OF } from '../../functions/env.ts';
import { readEnv } from '../../local/env.ts';
import { RelayEnv } from '../../relay/env.ts';
import { readCompose, type Service } from './compose.ts';
import { parseDockerfile } from './dockerfile.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Values of the right shape for what a person has to fill in. */
const FILLED: Readonly<Record<string, string>> = {
  AWS_REGION: 'eu-central-1',
  ENTREPOT_TABLE: 'entrepot',
  ENTREPOT_BUCKET: 'entrepot',
  ENTREPOT_HINTS_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/1/hints',
  ENTREPOT_SEAL_KEY: Buffer.alloc(32).toString('base64'),
  ENTREPOT_PROGRESS_KEY: 'p'.repeat(32),
  ENTREPOT_TICKET_KEY: 't'.repeat(32),
};
/** What the SDK reads by itself. */
const OF_THE_SDK = ['AWS_SHARED_CREDENTIALS_FILE'];

/** The variables that a process understands, of those that it is given. */
const READERS: Readonly<Record<string, (given: Readonly<Record<string, string>>) => object>> = {
  entrepot: readEnv,
  agent: (given) => {
    const told = { ...given, SERVER_URL: 'https://home.example', AGENT_ID: 'home-1', AGENT_TOKEN: 'k'.repeat(16) };
    expect(readConfig([], told, { kinds: providerKinds, usualKinds: agentKinds, version: '0' })).not.toBeNull();
    return Object.fromEntries(Object.keys(given).map((name) => [HELP.includes(` ${name} `) ? name : '', true]));
  },
  relay: (given) => {
    const filled = { ...given, ...FILLED };
    return { ...readCloudEnv(RelayEnv, filled), ...readSecrets(SECRETS_OF.relay, filled) };
  },
};

function portsOfImage({ build }: Service): readonly string[] {
  const dockerfile = typeof build === 'object' ? build.dockerfile : 'Dockerfile';
  const stage = parseDockerfile(readFileSync(join(ROOT, dockerfile), 'utf8')).at(-1);
  return stage?.instructions.find(({ word }) => word === 'EXPOSE')?.text.split(' ') ?? [];
}

describe.each(['compose.yaml', 'compose.store.yaml', 'compose.relays.yaml', 'compose.agent.yaml'])('%s', (path) => {
  const { services, volumes } = readCompose(join(ROOT, path));
  const all: readonly (readonly [string, Service])[] = Object.entries(services);
  const ours = all.filter(([, { build }]) => build !== undefined);

  it('pins what is not ours, and says of each long-running service how it is asked whether it is well', () => {
    for (const [name, service] of all) {
      if (service.build === undefined) expect(service.image, name).toMatch(/:\d+\.\d+(\.\d+)?$/);
      const isAsked = service.build !== undefined || service.healthcheck !== undefined;
      expect(isAsked, name).toBe(true);
      expect(service.logging.options['max-size'], name).toBe('10m');
    }
  });

  it('gives our containers no more than they need, and the time that their end may take', () => {
    for (const [name, service] of ours) {
      expect(service, name).toMatchObject({
        read_only: true,
        tmpfs: ['/tmp'],
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      if (service.restart !== undefined) expect(service.stop_grace_period, name).toBe('30s');
    }
  });

  it('opens ports to this machine alone, and those that the image has', () => {
    for (const port of all.flatMap(([, service]) => service.ports)) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    for (const [name, service] of ours) {
      const inside = service.ports.map((port) => port.split(':').at(-1));
      expect(portsOfImage(service), name).toEqual(expect.arrayContaining(inside));
    }
  });

  it('has no password in it, and variables that Entrepot knows', () => {
    for (const [name, { environment }] of all) {
      const secrets = Object.entries(environment).filter(([key]) => /KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL/.test(key));
      for (const [key, value] of secrets) expect([key, value], name).toEqual([expect.stringMatching(/_FILE$/), value]);
    }
    for (const [name, { environment }] of ours.filter(([, service]) => service.restart !== undefined)) {
      const given = Object.entries(environment).filter(([key]) => !OF_THE_SDK.includes(key));
      const plain = Object.fromEntries(given.map(([key, value]) => [key.replace(/_FILE$/, ''), value]));
      const known = READERS[name.replace(/-\d$/, '')]?.(plain) ?? {};
      const strange = Object.entries(plain).filter(([key, value]) => value !== '' && !(key in known));
      expect(strange, name).toEqual([]);
    }
  });

  it('names only services and volumes that are there', () => {
    for (const [name, service] of all) {
      for (const other of Object.keys(service.depends_on)) expect(services, name).toHaveProperty(other);
      for (const volume of service.volumes.filter(isNamed)) expect(volumes, name).toHaveProperty(nameOf(volume));
    }
    const used = all.flatMap(([, service]) => service.volumes.map(nameOf));
    expect(Object.keys(volumes).filter((volume) => !used.includes(volume))).toEqual([]);
  });
});

const nameOf = (volume: string): string => volume.split(':')[0] ?? '';
/** A folder of the host's is none. */
const isNamed = (volume: string): boolean => !volume.startsWith('.');
