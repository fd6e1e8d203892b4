import { describe, expect, it } from 'vitest';
import { ossEnv, readEnv, s3Env } from './env.ts';

it('an empty environment has defaults', () => {
  expect(readEnv({})).toEqual({
    HOST: '127.0.0.1',
    PORT: 8000,
    BUCKET_PORT: 8001,
    ENTREPOT_AGENT_BYTES: 'auto',
    ENTREPOT_DATA: '.entrepot',
    ENTREPOT_SCENE_FOLDER: 'scenes',
    ENTREPOT_RESULT_FOLDER: 'results',
    ENTREPOT_LOG: 'error',
    ENTREPOT_READY_LINE: 'link',
    ENTREPOT_WEBHOOKS: 'near',
    LOCAL_FUNCTION_BUDGET_MS: 30_000,
    MAX_CONCURRENT_UPLOADS: 3,
    MAX_CONCURRENT_PARTS: 5,
    MAX_OPEN_TRANSFERS: 10_000,
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
    ['ENTREPOT_S3_ENDPOINT', 'files.example.com'],
    ['ENTREPOT_S3_ENDPOINT', 'https://user:secret@files.example.com'],
    ['ENTREPOT_S3_ENDPOINT', 'https://files.example.com/?token=secret'],
    ['ENTREPOT_S3_REGION', 'the region'],
    ['ENTREPOT_S3_BUCKET', 'a/b'],
    ['ENTREPOT_S3_BUCKET', 'ab'],
    ['ENTREPOT_S3_ACCESS_KEY_ID', 'a secret with spaces in it'],
    ['ENTREPOT_S3_SECRET_ACCESS_KEY', 'a-secret-with-a\nline'],
    ['ENTREPOT_S3_FORCE_PATH_STYLE', 'yes'],
    ['ENTREPOT_OSS_ENDPOINT', 'ftp://files.example.com'],
    ['ENTREPOT_OSS_ENDPOINT', 'https://files.example.com/bucket'],
    ['ENTREPOT_OSS_REGION', 'the region'],
    ['ENTREPOT_OSS_BUCKET', 'Upper'],
    ['ENTREPOT_OSS_ACCESS_KEY_SECRET', 'a secret with spaces in it'],
    ['ENTREPOT_SCENE_FOLDER', 'a/b'],
    ['ENTREPOT_RESULT_FOLDER', 'scenes'],
    ['ENTREPOT_BUCKET_LIMIT', '0'],
    ['ENTREPOT_BUCKET_LIMIT', 'fast'],
    ['ENTREPOT_LOG', 'everything'],
    ['ENTREPOT_READY_LINE', 'everything'],
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

describe('a store of one’s own', () => {
  const needed = {
    ENTREPOT_S3_BUCKET: 'my-bucket',
    ENTREPOT_S3_REGION: 'eu-central-1',
    ENTREPOT_S3_ACCESS_KEY_ID: 'AKID',
    ENTREPOT_S3_SECRET_ACCESS_KEY: 'secret+/=',
  };
  const keys = { region: 'eu-central-1', bucket: 'my-bucket', accessKeyId: 'AKID', secretAccessKey: 'secret+/=' };

  it('is none without its variables, and AWS’s own are never read', () => {
    const aws = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S', AWS_REGION: 'r', AWS_ENDPOINT_URL: 'http://h' };
    expect(s3Env(readEnv(aws))).toBeNull();
  });

  it('is AWS without an endpoint, with the bucket in the host name', () => {
    expect(s3Env(readEnv(needed))).toEqual({ ...keys, forcePathStyle: false });
  });

  it('has the bucket in the path where it has an endpoint, unless told otherwise', () => {
    const there = { ...needed, ENTREPOT_S3_ENDPOINT: 'http://nas.lan:9000/', ENTREPOT_S3_SESSION_TOKEN: 'T' };
    const store = { ...keys, endpoint: 'http://nas.lan:9000', sessionToken: 'T' };
    expect(s3Env(readEnv(there))).toEqual({ ...store, forcePathStyle: true });
    const virtual = { ...there, ENTREPOT_S3_FORCE_PATH_STYLE: 'false' };
    expect(s3Env(readEnv(virtual))).toEqual({ ...store, forcePathStyle: false });
  });

  it.each(Object.keys(needed))('is refused without %s, whatever else is given', (name) => {
    const line = messageOf({ ...needed, ENTREPOT_S3_ENDPOINT: 'http://nas.lan', [name]: '' });
    expect(line).toMatch(new RegExp(`^${name}: needed, because ENTREPOT_S3_\\w+ is set$`));
  });

  it.each(['ENTREPOT_S3_ENDPOINT', 'ENTREPOT_S3_SESSION_TOKEN', 'ENTREPOT_S3_FORCE_PATH_STYLE'])(
    'is not had by %s alone',
    (name) => {
      const value = { ENTREPOT_S3_ENDPOINT: 'http://nas.lan', ENTREPOT_S3_FORCE_PATH_STYLE: 'true' }[name] ?? 'x';
      expect(messageOf({ [name]: value }).match(/needed, because/g)).toHaveLength(4);
    },
  );
});

describe('a bucket of OSS', () => {
  const needed = {
    ENTREPOT_OSS_ENDPOINT: 'oss-cn-hangzhou.aliyuncs.com',
    ENTREPOT_OSS_REGION: 'oss-cn-hangzhou',
    ENTREPOT_OSS_BUCKET: 'my-bucket',
    ENTREPOT_OSS_ACCESS_KEY_ID: 'LTAI',
    ENTREPOT_OSS_ACCESS_KEY_SECRET: 'secret',
  };
  const keys = { region: 'cn-hangzhou', bucket: 'my-bucket', accessKeyId: 'LTAI', accessKeySecret: 'secret' };

  it('is none without its variables, nor by those of S3', () => {
    expect(ossEnv(readEnv({ OSS_ACCESS_KEY_ID: 'A', ENTREPOT_SCENE_FOLDER: 'a' }))).toBeNull();
  });

  it('is reached by its own name over TLS, as the console shows its endpoint and its region', () => {
    const endpoint = 'https://oss-cn-hangzhou.aliyuncs.com';
    expect(ossEnv(readEnv(needed))).toEqual({ ...keys, endpoint, forcePathStyle: false });
    const written = { ENTREPOT_OSS_ENDPOINT: `${endpoint}/`, ENTREPOT_OSS_STS_TOKEN: 'T' };
    expect(ossEnv(readEnv({ ...needed, ...written }))).toMatchObject({ endpoint, stsToken: 'T' });
  });

  it.each(['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000'])(
    'has its name in the path where there is no name to put it into: %s',
    (endpoint) => {
      expect(ossEnv(readEnv({ ...needed, ENTREPOT_OSS_ENDPOINT: endpoint }))).toMatchObject({
        endpoint,
        forcePathStyle: true,
      });
    },
  );

  it.each(Object.keys(needed))('is refused without %s', (name) => {
    expect(messageOf({ ...needed, [name]: '' })).toMatch(
      new RegExp(`^${name}: needed, because ENTREPOT_OSS_\\w+ is set$`),
    );
  });

  it('is refused beside a store that speaks S3', () => {
    const line = messageOf({ ...needed, ENTREPOT_S3_REGION: 'eu-central-1' });
    expect(line).toBe('ENTREPOT_OSS_ENDPOINT: set beside ENTREPOT_S3_REGION: files are staged in one store, choose');
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
