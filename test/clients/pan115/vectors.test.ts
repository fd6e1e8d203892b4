/** The client and the fake against the same published numbers, so that neither is the mirror of the other. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { callbackHeaders } from '#clients/pan115/callback.ts';
import { sealKeys } from '#clients/pan115/cookie/ecdh.ts';
import { COOKIE_HOSTS } from '#clients/pan115/cookie/hosts.ts';
import { kEc } from '#clients/pan115/cookie/k-ec.ts';
import { unpackLz4 } from '#clients/pan115/cookie/lz4.ts';
import { sealed, unsealed } from '#clients/pan115/cookie/seal.ts';
import { announcementSig, announcementToken } from '#clients/pan115/cookie/signature.ts';
import { codeChallenge } from '#clients/pan115/open/login.ts';
import { preHash, preHashAsk, signAsk } from '#clients/pan115/sign.ts';
import * as fakeCookie from '../../fakes/pan115/cookie.ts';
import { isChallengeOf } from '../../fakes/pan115/passport.ts';
import { idOf, pickCodeOf } from '../../fakes/pan115/pick-code.ts';
import { openForm, openKey, publicKeyOfFake, sealAnswer } from '../../fakes/pan115/seal.ts';
import { startFake115 } from '../../fakes/pan115/server.ts';
import { judge, ticket } from '../../fakes/pan115/uploads.ts';
import { know, sha1Of } from '../../fakes/pan115/world.ts';
import { bytesOf } from './content.ts';
import vectors from './vectors.json' with { type: 'json' };

const { cookie, ecdh } = vectors;
const signed = { userId: cookie.userid, fileId: cookie.fileid, sizeBytes: cookie.filesize, target: cookie.target };
const signature = { signKey: cookie.sign_key, signVal: cookie.sign_val };
const keys = sealKeys(COOKIE_HOSTS.publicKey, ecdh.client_d);

test.each(vectors.digests)('the pre-hash of $gen($size) is that of its first 128 KiB', ({ gen, size, sha1, preid }) => {
  const bytes = bytesOf(gen, size);
  const ask = preHashAsk(size);
  const answers = ask === null ? {} : { [ask.id]: sha1Of(bytes.subarray(ask.start, ask.end)).toLowerCase() };
  expect(sha1Of(bytes)).toBe(sha1);
  expect(preHash({ sizeBytes: size, sha1: sha1.toLowerCase(), answers })).toBe(preid);
});

test.each(vectors.sign_val)('a range has both its ends: $sign_check', ({ gen, size, sign_check, sign_val }) => {
  const ask = signAsk({ signKey: 'K', signCheck: sign_check }, { round: 1, sizeBytes: size });
  expect(sha1Of(bytesOf(gen, size).subarray(ask.start, ask.end))).toBe(sign_val);
});

test('the fake takes the answer to its range, and neither one byte less nor one byte further on', async () => {
  const fake = await startFake115({ ranges: Array(3).fill('2392148-2392298') });
  const file = { name: 'a', sizeBytes: 2392400, folderId: '0', sha1: know(fake.world, bytesOf('F', 2392400)) };
  const answer = (signVal: string) => {
    const asked = judge(fake.world, { ...file, signKey: '', signVal: '' }, undefined);
    if (!('signKey' in asked)) throw new Error('it asks nothing');
    return judge(fake.world, { ...file, signKey: asked.signKey, signVal }, undefined).status;
  };
  expect(answer(vectors.sign_val_wrong.exclusive_end)).toBe(8);
  fake.world.ranges.unshift('2392148-2392298');
  expect(answer(vectors.sign_val_wrong.one_before)).toBe(8);
  fake.world.ranges.unshift('2392148-2392298');
  expect(answer(cookie.sign_val)).toBe(2);
  await fake.close();
});

test.each(vectors.pkce)('the challenge of $verifier', ({ verifier, ...methods }) => {
  expect(codeChallenge(verifier)).toBe(methods.sha256.std);
  for (const method of ['sha256', 'sha1', 'md5'] as const) {
    expect(isChallengeOf(methods[method].std, method, verifier)).toBe(true);
    expect(isChallengeOf(methods[method].urlsafe_nopad, method, verifier)).toBe(true);
    expect(isChallengeOf(methods[method].std, method, `${verifier}0`)).toBe(false);
  }
});

test('the signature of an announcement', async () => {
  const inner = `${cookie.userid}${cookie.fileid}${cookie.target}0`;
  expect(createHash('sha1').update(inner).digest('hex')).toBe(cookie.h1);
  expect(announcementSig(signed, cookie.userkey)).toBe(cookie.sig);
  const deep = 'U_1_2512345678901234567';
  expect(announcementSig({ ...signed, target: deep }, cookie.userkey)).toBe(cookie.sig_target_U_1_2512345678901234567);
  const { world, close } = await startFake115();
  expect(world.account).toMatchObject({ userId: cookie.userid, userKey: cookie.userkey });
  expect(fakeCookie.sigOf(world, cookie.fileid, cookie.target)).toBe(cookie.sig);
  expect(fakeCookie.sigOf(world, cookie.fileid, deep)).toBe(cookie.sig_target_U_1_2512345678901234567);
  await close();
});

test.each(cookie.tokens)('the token of an announcement at $t, in both rounds', ({ t, round1, round2 }) => {
  const appVersion = cookie.appversion;
  expect(createHash('md5').update(cookie.userid).digest('hex')).toBe(cookie.md5_userid);
  expect(announcementToken(signed, { t, appVersion })).toBe(round1);
  expect(announcementToken(signed, { t, appVersion, signature })).toBe(round2);
  const asked = { sha1: cookie.fileid, size: String(cookie.filesize), userId: cookie.userid, t: String(t), appVersion };
  expect(fakeCookie.tokenOf({ ...asked, signKey: '', signVal: '' })).toBe(round1);
  expect(fakeCookie.tokenOf({ ...asked, ...signature })).toBe(round2);
});

test('both sides of a conversation come to the same keys', () => {
  expect(COOKIE_HOSTS.publicKey).toBe(ecdh.server_pub_xy.toLowerCase());
  expect(keys.blob.toString('hex')).toBe(ecdh.client_pub30);
  expect(keys.key.toString('hex')).toBe(ecdh.aes_key);
  expect(keys.iv.toString('hex')).toBe(ecdh.aes_iv);
  expect(ecdh.shared_x).toBe(ecdh.aes_key + ecdh.aes_iv.slice(8));
  expect(publicKeyOfFake()).toBe(ecdh.emu_pub_xy);
  const toFake = sealKeys(ecdh.emu_pub_xy, ecdh.client_d);
  const opened = openKey(kEc(toFake.blob, 1_700_000_000_123, { first: 90, second: 165 }));
  for (const side of [toFake, opened]) {
    expect(side.key.toString('hex') + side.iv.subarray(4).toString('hex')).toBe(ecdh.shared_with_emu);
  }
  expect(opened.t).toBe(1_700_000_000_123 % 2 ** 32);
});

test.each(vectors.k_ec)('k_ec at $t with masks $r1 and $r2', ({ pub30, t, r1, r2, hex, b64 }) => {
  const token = kEc(Buffer.from(pub30, 'hex'), t, { first: r1, second: r2 });
  expect(token).toBe(b64);
  expect(Buffer.from(token, 'base64').toString('hex')).toBe(hex);
  expect(openKey(b64).t).toBe(t % 2 ** 32);
});

test('the fake takes no k_ec of which a single byte is wrong', () => {
  const good = Buffer.from(kEc(keys.blob, 1_700_000_000, { first: 1, second: 2 }), 'base64');
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good.map((byte, index) => (index === at ? byte ^ 0x10 : byte)));
    expect(() => openKey(bad.toString('base64')), `byte ${at}`).toThrow('k_ec crc');
  }
});

test('the fixed pair that others use opens like any other', () => {
  const { pub30, key, iv } = ecdh.fixed_pair;
  expect(key.slice(24)).toBe(iv.slice(0, 8));
  expect(openKey(kEc(Buffer.from(pub30, 'hex'), 0, { first: 0, second: 0 })).key).toHaveLength(16);
});

test.each(vectors.aes)('the form $plain, sealed', ({ plain, pkcs7, zero }) => {
  expect(sealed(plain, keys).toString('hex')).toBe(pkcs7);
  expect(openForm(Buffer.from(pkcs7, 'hex'), keys)).toBe(plain);
  expect(openForm(Buffer.from(zero, 'hex'), keys)).toBe(plain);
});

test.each(vectors.response_frames)('the answer $json, unsealed', ({ json, tail7, hex }) => {
  expect(unsealed(Buffer.from(hex, 'hex'), keys)).toBe(json);
  expect(unsealed(Buffer.from(hex, 'hex').subarray(0, -12), keys)).toBe(json);
  expect(sealAnswer(json, keys, tail7, 8192).toString('hex')).toBe(hex);
  expect(unsealed(sealAnswer(json, keys, 0x42, 7), keys)).toBe(json);
});

test('an answer that is longer or shorter than its tail says, or is cut, is not read', () => {
  const [short, long] = ['{"a":1}', '{"a":123}'].map((json) => sealAnswer(json, keys, 1));
  if (short === undefined || long === undefined) throw new Error('nothing sealed');
  const mixed = (body: Buffer, tail: Buffer) => Buffer.concat([body.subarray(0, -12), tail.subarray(-12)]);
  for (const bad of [mixed(short, long), mixed(long, short), short.subarray(0, 15), Buffer.alloc(0)]) {
    expect(() => unsealed(bad, keys)).toThrow(expect.objectContaining({ kind: 'bug', code: 'pan115.bad_answer' }));
  }
});

test('a block of LZ4 whose match overlaps itself', () => {
  const block = Buffer.from(vectors.lz4.block_hex, 'hex');
  expect(unpackLz4(block, 100).toString()).toBe('a'.repeat(100));
  expect(() => unpackLz4(block, 99)).toThrow('cannot be unpacked');
  // Cut after the first literal it is a good block of one byte: there only the answer's tail can tell.
  for (const cut of [0, 1, 3, 4, 5, 6, 7, 8, 9, 10]) {
    expect(() => unpackLz4(block.subarray(0, cut), 100), `cut at ${cut}`).toThrow('cannot be unpacked');
  }
});

test('the callback goes as it came, in Base64', async () => {
  const { callback, callback_b64, callback_var, callback_var_b64 } = vectors.callback;
  expect(callbackHeaders({ callback, callbackVar: callback_var })).toEqual({
    'x-oss-callback': callback_b64,
    'x-oss-callback-var': callback_var_b64,
  });
  const { world, close } = await startFake115();
  const pending = { pickCode: 'a1b2c3', object: 'o', folderId: '0', name: 'n', sizeBytes: 1, sha1: '', node: null };
  expect(ticket(world, pending, 'http://uplb.115.com')).toMatchObject({ callback: { callback, callback_var } });
  await close();
});

test.each(vectors.pickcode)('the pick code $pickcode', ({ pickcode, id }) => {
  expect(String(idOf(pickcode))).toBe(id);
  const again = pickCodeOf(BigInt(id), pickcode.slice(0, 1));
  expect(again.slice(0, -4)).toBe(pickcode.slice(0, -4));
  expect(again.at(-4)).toBe(pickcode.at(-4));
});
