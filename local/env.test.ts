import { describe, expect, it } from 'vitest';
import { readEnv } from './env.ts';

it('an empty environment has defaults', () => {
  expect(readEnv({})).toEqual({
    HOST: '127.0.0.1',
    PORT: 8000,
    BUCKET_PORT: 8001,
    ENTREPOT_DATA: '.entrepot',
    ENTREPOT_LOG: 'error',
    LOCAL_FUNCTION_BUDGET_MS: 30_000,
    MAX_CONCURRENT_UPLOADS: 3,
    MAX_CONCURRENT_PARTS: 5,
  });
});

it('an empty variable counts as absent, and others are nobody’s business', () => {
  expect(readEnv({ PORT: '', ENTREPOT_TOKEN: '', HOME: '/root' })).toEqual(readEnv({}));
});

describe('a wrong variable is named, and its value is not told', () => {
  it.each([
    ['PORT', '65536'],
    ['PORT', 'abc'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['BUCKET_PORT', 'abc'],
    ['ENTREPOT_PUBLIC_BUCKET_URL', 'files.example.com'],
    ['ENTREPOT_PUBLIC_BUCKET_URL', 'ftp://files.example.com'],
    ['ENTREPOT_TOKEN', 'short-secret'],
    ['ENTREPOT_TOKEN', 'a secret with spaces in it'],
    ['ENTREPOT_TOKEN', 'a-secret-with-ümlauts'],
    ['ENTREPOT_TOKEN', 'a-secret-with-a\nline'],
    ['ENTREPOT_BUCKET_LIMIT', '0'],
    ['ENTREPOT_BUCKET_LIMIT', 'fast'],
    ['ENTREPOT_LOG', 'everything'],
    ['LOCAL_FUNCTION_BUDGET_MS', '999'],
    ['MAX_CONCURRENT_UPLOADS', '0'],
    ['MAX_CONCURRENT_UPLOADS', '101'],
    ['MAX_CONCURRENT_PARTS', '65'],
  ])('%s=%j', (name, value) => {
    const message = messageOf({ [name]: value });
    expect(message).toMatch(new RegExp(`^${name}: .+`));
    expect(message).not.toMatch(/secret|files\.example/);
    expect(message).not.toContain('\n');
  });

  it('all of several', () => {
    expect(messageOf({ PORT: 'x', ENTREPOT_TOKEN: 'y' })).toMatch(/^PORT: .+; ENTREPOT_TOKEN: a token has at least 16/);
  });
});

function messageOf(variables: Readonly<Record<string, string>>): string {
  try {
    readEnv(variables);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error('it was taken');
}
