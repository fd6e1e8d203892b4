/** Reading what 115 says, in all the ways in which it has been seen to say it. */
import { expect, test } from 'vitest';
import { callbackVerdict } from '#clients/pan115/callback.ts';
import { statusFault } from '#clients/pan115/cookie/refusals.ts';
import { dataOf } from '#clients/pan115/envelope.ts';
import { refusalFault, strangeAnswer } from '#clients/pan115/faults.ts';
import { looseInt, looseJson, looseSize, looseTruth } from '#clients/pan115/loose.ts';
import { OssTokenData, ossTokenOf } from '#clients/pan115/oss-token.ts';
import { latestSignature, signAsk } from '#clients/pan115/sign.ts';
import { InitData, initAnswer } from '#clients/pan115/upload.ts';

const answer = (json: unknown, status = 200) => ({
  status,
  bytes: Buffer.from(JSON.stringify(json)),
  retryAfterMs: undefined,
});
const init = { endpoint: 'open/upload/init', schema: InitData, kind: 'api' } as const;

test('ids beyond 2^53 stay exact, also when they come as numbers', () => {
  expect(looseJson('{"id":3494080219994654680,"n":-12,"f":1.5,"t":"9"}')).toEqual({
    id: '3494080219994654680',
    n: -12,
    f: 1.5,
    t: '9',
  });
});

test('numbers may be text, and truths numbers', () => {
  expect(['12', 12, '-2'].map((value) => looseInt.parse(value))).toEqual([12, 12, -2]);
  expect(['12.7', 12.7, '12', 12].map((value) => looseSize.parse(value))).toEqual([12, 12, 12, 12]);
  expect([true, 1, '1', 'true'].map((value) => looseTruth.parse(value))).toEqual(Array(4).fill(true));
  expect([false, 0, '0', '', 'false'].map((value) => looseTruth.parse(value))).toEqual(Array(5).fill(false));
  expect(looseInt.safeParse('1e3').success).toBe(false);
});

test("an error's data is a list, whatever it is otherwise, and is not looked at", () => {
  const refused = () => dataOf(answer({ state: false, code: '40100000', message: 'm', data: [] }), init);
  expect(refused).toThrow(expect.objectContaining({ kind: 'bug', code: 'pan115.request_refused' }));
});

test('the servers of the login may refuse beside a good state', () => {
  const login = { ...init, kind: 'login' } as const;
  const said = { state: 1, code: 0, errno: 40140116, error: 'no', message: '', data: [] };
  expect(() => dataOf(answer(said), login)).toThrow(expect.objectContaining({ code: 'pan115.login_ended' }));
});

test('an unknown shape names the place and not what stood there', () => {
  const strange = () => dataOf(answer({ state: true, data: { status: { secret: 'x' } } }), init);
  expect(strange).toThrow('115 answered open/upload/init in a shape that we do not know (status)');
  expect(() => dataOf(answer(['x']), init)).toThrow(expect.objectContaining({ kind: 'bug' }));
});

test.each([
  [770004, 'throttled', 'pan115.limited'],
  [406, 'throttled', 'pan115.limited'],
  [40140117, 'throttled', 'pan115.limited'],
  [40140125, 'auth', 'pan115.token_refused'],
  [99, 'auth', 'pan115.token_refused'],
  [40140116, 'auth', 'pan115.login_ended'],
  [40140122, 'auth', 'pan115.too_many_apps'],
  [911, 'risk', 'pan115.verify'],
  [91005, 'rejected', 'pan115.full'],
  [2, 'rejected', 'pan115.folder_full'],
  [20003, 'rejected', 'pan115.name_refused'],
  [20009, 'rejected', 'pan115.not_found'],
  [990009, 'transient', 'pan115.busy'],
  [10002, 'gone', 'pan115.check_failed'],
  [50003, 'gone', 'pan115.session_gone'],
  [123456, 'transient', 'pan115.refused'],
] as const)('%d is %s %s', (number, kind, code) => {
  const fault = refusalFault({ number, message: '错'.repeat(500) });
  expect(fault).toMatchObject({ kind, code });
  expect(fault.message.length).toBeLessThanOrEqual(400);
  expect(fault.message).toContain(`115 said ${number}`);
});

test.each([99, 40140116, 40140106, 40140122, 911, 91005, 2, 20003, 20009])(
  'what ends a transfer, as %d does, says what a person can do about it',
  (number) => {
    const { kind, message } = refusalFault({ number, message: '' });
    expect(['auth', 'risk', 'rejected']).toContain(kind);
    expect(message).toMatch(/: (log in|check|remove|open the 115 app|free|choose|rename)/);
  },
);

test.each([
  [405, '<html>', 'throttled', 'pan115.blocked'],
  [200, ' <!doctype html>', 'throttled', 'pan115.blocked'],
  [429, '', 'throttled', 'pan115.limited'],
  [401, '', 'transient', 'pan115.unavailable'],
  [502, '<html>', 'transient', 'pan115.unavailable'],
  [200, 'ok', 'transient', 'pan115.bad_answer'],
] as const)('HTTP %d with %j is %s %s', (status, text, kind, code) => {
  expect(strangeAnswer(status, text, 5_000)).toMatchObject({ kind, code });
});

test('HTTP 429 waits as long as it is told to', () => {
  expect(strangeAnswer(429, '', 5_000).retryAfterMs).toBe(5_000);
});

test.each([
  [403, 'auth', 'pan115.cookie_outdated'],
  [400, 'transient', 'pan115.request_refused'],
  [402, 'transient', 'pan115.request_refused'],
  [911, 'risk', 'pan115.verify'],
  [990001, 'auth', 'pan115.cookie_refused'],
] as const)('the status code %d of the cookie way is %s %s', (number, kind, code) => {
  expect(statusFault(number, '')).toMatchObject({ kind, code });
});

test('a status that nobody has seen, and an upload without a bucket, are not guessed at', () => {
  expect(() => initAnswer({ status: 3 })).toThrow(expect.objectContaining({ kind: 'bug' }));
  expect(() => initAnswer(InitData.parse({ status: '1', callback: [] }))).toThrow(
    expect.objectContaining({ kind: 'bug' }),
  );
});

test('of many answers to ranges the one of the latest round counts, and ids survive odd keys', () => {
  const asks = [1, 2, 10].map((round) =>
    signAsk({ signKey: `k.${round}`, signCheck: `${round}-${round + 1}` }, { round, sizeBytes: 100 }),
  );
  const answers = Object.fromEntries(asks.map(({ id }, at) => [id, `ab${at}`]));
  expect(latestSignature({ ...answers, pre: 'cd' })).toEqual({ round: 10, signKey: 'k.10', signVal: 'AB2' });
  expect(latestSignature({ pre: 'cd' })).toBeNull();
});

test.each(['1_2', '5-4', '0-100', '-1-4', '', '1-2-3'])(
  'the range %j is no range of a file of 100 bytes',
  (signCheck) => {
    expect(() => signAsk({ signKey: 'K', signCheck }, { round: 1, sizeBytes: 100 })).toThrow(
      expect.objectContaining({ kind: 'bug' }),
    );
  },
);

const data = { pick_code: 'p', file_id: '1', file_size: '12', sha1: 'A'.repeat(40) };

test('a verdict is read, whatever HTTP said', () => {
  const said = (json: unknown) => callbackVerdict(JSON.stringify(json));
  const verdict = { fileId: '1', pickCode: 'p', sizeBytes: 12, sha1: 'a'.repeat(40) };
  expect(said({ state: true, code: 0, message: '', data })).toEqual(verdict);
  expect(said({ state: '1', data: { ...data, file_size: 12, file_id: 1 } })).toEqual(verdict);
  expect(() => said({ state: false, code: 10002, message: '校验文件失败，请重新上传。', data: [] })).toThrow(
    expect.objectContaining({ kind: 'gone', code: 'pan115.check_failed' }),
  );
});

test.each([
  '',
  '<?xml version="1.0"?><Error><Code>CallbackFailed</Code></Error>',
  '{"state":true,"data":[]}',
  '{"state":true,"data":{"file_id":"","pick_code":"p","file_size":1,"sha1":""}}',
  '{"Status":"OK"}',
])('%j is no verdict: the folder must be asked', (body) => {
  expect(() => callbackVerdict(body)).toThrow(
    expect.objectContaining({ kind: 'transient', code: 'pan115.no_verdict' }),
  );
});

test('keys to the bucket may come as a list, with a letter too many, and without an endpoint', () => {
  const keys = { AccessKeyId: 'STS.A', AccessKeySecrett: 's', SecurityToken: 't', Expiration: '2026-06-26T03:59:31Z' };
  expect(ossTokenOf(OssTokenData.parse([keys]))).toEqual({
    endpoint: 'https://oss-cn-shenzhen.aliyuncs.com',
    accessKeyId: 'STS.A',
    accessKeySecret: 's',
    stsToken: 't',
    expiresAtMs: Date.UTC(2026, 5, 26, 3, 59, 31),
  });
  expect(OssTokenData.safeParse({ ...keys, Expiration: undefined }).success).toBe(false);
});
