import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readEnv } from '../../local/env.ts';
import { readCompose, type Service } from './compose.ts';
import { parseDockerfile } from './dockerfile.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const stage = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).at(-1);
const portsOfImage = stage?.instructions.find(({ word }) => word === 'EXPOSE')?.text.split(' ');

describe.each(['compose.yaml', 'compose.store.yaml'])('%s', (path) => {
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
    }
    expect(services['entrepot']?.stop_grace_period).toBe('30s');
  });

  it('opens ports to this machine alone, and those that the image has', () => {
    for (const port of all.flatMap(([, service]) => service.ports)) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const inside = services['entrepot']?.ports.map((port) => port.split(':').at(-1));
    expect(portsOfImage).toEqual(expect.arrayContaining(inside ?? ['none']));
  });

  it('has no password in it, and variables that Entrepot knows', () => {
    for (const [name, { environment }] of all) {
      const secrets = Object.entries(environment).filter(([key]) => /KEY|SECRET|TOKEN|PASSWORD/.test(key));
      for (const [key, value] of secrets) expect([key, value], name).toEqual([expect.stringMatching(/_FILE$/), value]);
    }
    const given = Object.entries(services['entrepot']?.environment ?? {});
    const plain = Object.fromEntries(given.map(([key, value]) => [key.replace(/_FILE$/, ''), value]));
    const known = readEnv(plain);
    expect(given.filter(([key, value]) => value !== '' && !(key.replace(/_FILE$/, '') in known))).toEqual([]);
  });

  it('names only services and volumes that are there', () => {
    for (const [name, service] of all) {
      for (const other of Object.keys(service.depends_on)) expect(services, name).toHaveProperty(other);
      for (const volume of service.volumes) expect(volumes, name).toHaveProperty(volume.split(':')[0] ?? '');
    }
    const used = all.flatMap(([, service]) => service.volumes.map((volume) => volume.split(':')[0]));
    expect(Object.keys(volumes).filter((volume) => !used.includes(volume))).toEqual([]);
  });
});
