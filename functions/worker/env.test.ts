import { expect, it } from 'vitest';
import { type Bindings, missingIn, readBindings } from './env.ts';

const GIVEN = {
  ENTREPOT_R2_ENDPOINT: 'https://acc0.r2.cloudflarestorage.com/',
  ENTREPOT_R2_ACCESS_KEY_ID: 'an id',
  ENTREPOT_R2_SECRET_ACCESS_KEY: 'a-key-of-R2',
  ENTREPOT_BUCKET: 'entrepot-staging',
  ENTREPOT_TOKEN: 'a-token-of-the-tests',
  ENTREPOT_SEAL_KEY: Buffer.alloc(32, 7).toString('base64'),
  ENTREPOT_TICKET_KEY: 'k'.repeat(32),
  ENTREPOT_CAPABILITY_KEY: 'c'.repeat(32),
};
// Nothing here calls what is bound.
const bindings = (given: Readonly<Record<string, unknown>>) =>
  ({ TABLE: {}, HUB: {}, ...given }) as unknown as Bindings;

it('one line names all that is missing or wrong, and quotes nothing of it', () => {
  const { ENTREPOT_SEAL_KEY: _, ...without } = GIVEN;
  const line = missingIn(bindings({ ...without, ENTREPOT_R2_ENDPOINT: 'r2', ENTREPOT_TOKEN: '' }));
  expect(line).toMatch(/^ENTREPOT_R2_ENDPOINT: .*ENTREPOT_R2_ACCESS_KEY_ID: [^;]*$/);
  expect(line).not.toContain('an id');
  const secrets = missingIn(bindings({ ...without, ENTREPOT_R2_ACCESS_KEY_ID: 'id', ENTREPOT_TOKEN: '' }));
  expect(secrets).toMatch(/ENTREPOT_TOKEN: .*ENTREPOT_SEAL_KEY: /);
});

it('what is given is read, what is left out is as on the other homes', () => {
  const { env } = readBindings(bindings({ ...GIVEN, ENTREPOT_R2_ACCESS_KEY_ID: 'id', ENTREPOT_LOG: '' }));
  expect(env).toMatchObject({
    ENTREPOT_R2_ENDPOINT: 'https://acc0.r2.cloudflarestorage.com',
    ENTREPOT_ARRIVALS: 'told',
    ENTREPOT_LOG: 'error',
    MAX_CONCURRENT_UPLOADS: 3,
    MAX_OPEN_TRANSFERS: 10_000,
  });
});
