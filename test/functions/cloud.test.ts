import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { composeCloud } from '../../functions/deps.ts';
import { CloudEnv } from '../../functions/env.ts';
import { cloudDrivers } from '../../functions/kinds.ts';
import { oncePerSandbox } from '../../functions/lambda/sandbox.ts';
import { startDynalite } from '../support/dynalite.ts';

const SEAL_KEY = Buffer.alloc(32, 7).toString('base64');

describe('the cloud home', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('has no destination whose place is the machine of the code', () => {
    expect(cloudDrivers(SEAL_KEY).kinds.map(({ id }) => id)).not.toContain('folder');
    expect(cloudDrivers(SEAL_KEY).kinds.map(({ id }) => id)).toContain('s3');
  });

  it('opens credentials only where it was given the key to them', async () => {
    const dynamo = await startDynalite();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
    const env = CloudEnv.parse({
      AWS_REGION: dynamo.config.region,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.config.endpoint,
      ENTREPOT_TABLE: await dynamo.createTable(),
      ENTREPOT_BUCKET: 'staging',
      ENTREPOT_HINTS_QUEUE_URL: 'http://127.0.0.1:9/000000000000/hints',
    });
    const parts = { env, progress: memoryProgress(), lostHints: 'thrown' as const };
    const whole = composeCloud({ ...parts, drivers: cloudDrivers(SEAL_KEY) });
    const closed = composeCloud(parts);
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret of the tests' };
    const settings = { region: 'us-east-1', bucket: 'destination' };
    await whole.engine.destinations.create({ id: 'other', provider: 's3', settings, credentials });

    expect(await whole.engine.destinations.provider('other')).toMatchObject({ id: 's3' });
    expect(await closed.engine.destinations.list()).toMatchObject([{ id: 'other', hasCredentials: true }]);
    await expect(closed.engine.destinations.provider('other')).rejects.toMatchObject({ name: 'Fault' });
    await expect(closed.engine.destinations.remove('other')).rejects.toMatchObject({ code: 'credentials.closed' });
    whole.close();
    closed.close();
    await dynamo.stop();
  });
});

describe('a sandbox', () => {
  it('composes once for calls at once, and anew after a failure', async () => {
    let made = 0;
    const opened = oncePerSandbox(async () => {
      if (++made === 1) throw new Error('not yet');
      return made;
    });
    const first = await Promise.allSettled([opened(), opened()]);
    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await Promise.all([opened(), opened()])).toEqual([2, 2]);
  });
});
