import { describe, expect, it } from 'vitest';
import { ApiFunctionEnv, CloudEnv, FunctionEnv, readEnv, readSecrets, SECRETS_OF } from './env.ts';

const PLAIN = {
  AWS_REGION: 'eu-west-1',
  ENTREPOT_TABLE: 'entrepot-dev-Table-abc',
  ENTREPOT_BUCKET: 'entrepot-dev-staging-abc',
  ENTREPOT_HINTS_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/000000000000/hints',
  ENTREPOT_RELAY_URL: 'https://entrepot.example/',
  ENTREPOT_PAGE_URL: 'https://entrepot.example',
};
const KEY = Buffer.alloc(32, 7).toString('base64');
const SECRET = {
  ENTREPOT_TOKEN: 'a-token-of-the-tests',
  ENTREPOT_SEAL_KEY: KEY,
  ENTREPOT_PROGRESS_KEY: KEY,
  ENTREPOT_TICKET_KEY: KEY,
  ENTREPOT_CAPABILITY_KEY: KEY,
};

it('URLs lose the slash at their end, and what is not given has its default', () => {
  expect(readEnv(ApiFunctionEnv, PLAIN)).toEqual({
    ...PLAIN,
    ENTREPOT_RELAY_URL: 'https://entrepot.example',
    ENTREPOT_LOG: 'error',
    MAX_CONCURRENT_UPLOADS: 3,
    MAX_CONCURRENT_PARTS: 5,
    MAX_OPEN_TRANSFERS: 10_000,
  });
});

it('each entry asks for what it uses, and no more', () => {
  const { ENTREPOT_PAGE_URL: _, ...withoutPage } = PLAIN;
  expect(() => readEnv(ApiFunctionEnv, withoutPage)).toThrow('ENTREPOT_PAGE_URL');
  const { ENTREPOT_RELAY_URL: __, ...shared } = withoutPage;
  expect(() => readEnv(FunctionEnv, shared)).toThrow('ENTREPOT_RELAY_URL');
  expect(readEnv(CloudEnv, shared)).toMatchObject(shared);
});

describe('a wrong variable is named, and its value is not told', () => {
  it.each(Object.keys(PLAIN))('%s', (name) => {
    for (const value of [undefined, '', '::wrong value::']) {
      const read = () => readEnv(ApiFunctionEnv, { ...PLAIN, [name]: value });
      expect(read).toThrow(name);
      expect(read).not.toThrow('wrong value');
    }
  });

  it.each(Object.keys(SECRET))('%s', (name) => {
    for (const value of [undefined, '', 'short', 'not base64 and 32 characters or more!']) {
      const read = () => readSecrets(SECRETS_OF.api, { ...SECRET, [name]: value });
      expect(read).toThrow(name);
      expect(read).not.toThrow('characters or more!');
    }
  });
});

it('secrets that are not named are not looked at', () => {
  expect(readSecrets(SECRETS_OF.sweep, SECRET)).toEqual({ ENTREPOT_PROGRESS_KEY: KEY });
});
