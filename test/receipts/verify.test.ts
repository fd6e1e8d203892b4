/** A receipt and its file, checked by somebody who has nothing else. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem } from '../../cli/problem.ts';
import { fingerprintsIn, openReceipt } from '../../cli/signed-receipt.ts';
import { command, hastyClock } from '../cli/command.ts';
import { HELLO, receiptText, signerOf } from './home.ts';

const signer = signerOf(7);
let folder: string;
let kid: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-receipts-'));
  ({ kid } = await signer.key());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function refusalOf(text: string): string | null {
  try {
    openReceipt(text);
    return null;
  } catch (error) {
    return error instanceof Problem ? error.code : String(error);
  }
}

/** Every value in it, by its path. */
function paths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, inner]) => paths(inner, [...path, name]));
}

function changed(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) {
    if (typeof value === 'number') return value + 1;
    return typeof value === 'boolean' ? !value : `${value}x`;
  }
  const copy: any = structuredClone(value);
  copy[name] = changed(copy[name], rest);
  return copy;
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const verify = (...args: readonly string[]) => command(['verify', ...args], { env: {}, clock: hastyClock() });
const failures = (events: readonly Readonly<Record<string, unknown>>[]) =>
  events.filter(({ ok }) => ok === false).map(({ name, code }) => [name, code]);

describe('a signature', () => {
  it('covers every field: none can be changed where people read it, nor where it is signed', async () => {
    const { receipt, text } = await receiptText(signer);
    const document = JSON.parse(text);
    const [header, , signature] = document.jws.split('.');
    expect(openReceipt(text)).toEqual(receipt);
    const all = paths(receipt);
    expect(all.length).toBeGreaterThan(20);
    for (const path of all) {
      const forged = changed(receipt, path);
      expect(refusalOf(JSON.stringify({ ...document, receipt: forged })), path.join('.')).toBe('receipt.differs');
      const jws = `${header}.${encoded(forged)}.${signature}`;
      expect(refusalOf(JSON.stringify({ receipt: forged, jws })), path.join('.')).toBe('receipt.signature');
    }
  });

  it('is of no receipt that says a thing twice: people may read the first, and programs the last', async () => {
    const { receipt, text } = await receiptText(signer, { file: { name: 'a ":" \\" b.mkv', sizeBytes: 11 } });
    expect(openReceipt(text)).toEqual(receipt);
    for (const [before, twice] of [
      ['"file": {', '"file": { "name": "another.mkv",'],
      ['"instant"', '"instant": true, "instant"'],
      ['{', '{ "receipt": { "v": 1 },'],
      ['"digests": [\n      {', '"digests": [\n      { "hex": "00",'],
    ] as const) {
      const forged = text.replace(before, twice);
      expect(forged).not.toBe(text);
      expect(refusalOf(forged), twice).toBe('receipt.unreadable');
    }
  });

  it('fits no receipt of which a single bit was changed', async () => {
    const bytes = Buffer.from((await receiptText(signer)).text);
    const passed: number[] = [];
    // One bit of each byte: all of them take eight times as long.
    for (const [at, byte] of bytes.entries()) {
      const flipped = Buffer.from(bytes);
      flipped[at] = byte ^ (1 << (at % 8));
      if (refusalOf(flipped.toString()) === null) passed.push(at);
    }
    expect(passed).toEqual([]);
  });

  it('of another home does not pass for this one', async () => {
    const [mine, other] = await Promise.all([receiptText(signer), receiptText(signerOf(8))]);
    const [header, payload] = JSON.parse(mine.text).jws.split('.');
    const [otherHeader, , otherSignature] = JSON.parse(other.text).jws.split('.');
    const receipt = mine.receipt;
    expect(refusalOf(JSON.stringify({ receipt, jws: `${header}.${payload}.${otherSignature}` }))).toBe(
      'receipt.signature',
    );
    expect(refusalOf(JSON.stringify({ receipt, jws: `${otherHeader}.${payload}.${otherSignature}` }))).toBe(
      'receipt.signature',
    );
    const posing = await receiptText(signerOf(8), { home: kid });
    expect(refusalOf(posing.text)).toBe('receipt.key_differs');
    const path = await file('other.json', other.text);
    expect(failures((await verify(path, '--key', kid)).events)).toEqual([['home', 'receipt.key_unknown']]);
  });

  it('needs a key that somebody trusts: a fingerprint, a key, or a set with older keys', async () => {
    const path = await file('receipt.json', (await receiptText(signer)).text);
    const alone = await verify(path);
    expect(alone.code).toBe(1);
    expect(failures(alone.events)).toEqual([['home', 'receipt.key_unknown']]);
    const keys = [await signerOf(9).key(), await signer.key()];
    expect(fingerprintsIn(JSON.stringify({ keys }))).toEqual(keys.map((key) => key.kid));
    const set = await file('keys.json', JSON.stringify({ keys }));
    const key = await file('key.json', JSON.stringify(keys[1]));
    for (const given of [kid, set, key]) expect((await verify(path, '--key', given)).code).toBe(0);
  });
});

describe('a file', () => {
  it('that is the delivered one passes, and is told by whom', async () => {
    const [receipt, same] = [await file('r.json', (await receiptText(signer)).text), await file('same', HELLO)];
    const { code, events } = await verify(receipt, same, '--key', kid);
    expect(code).toBe(0);
    expect(events.filter(({ event }) => event === 'check').map(({ name, ok }) => [name, ok])).toEqual([
      ['signature', true],
      ['home', true],
      ['size', true],
      ['reading', true],
      ['sha256', true],
    ]);
    expect(events.at(-1)).toMatchObject({ event: 'verdict', message: expect.stringContaining('the destination had') });
  });

  it('that is another one fails by name: its digest or its size', async () => {
    const receipt = await file('r.json', (await receiptText(signer)).text);
    for (let bit = 0; bit < 8; bit++) {
      const bytes = Buffer.from(HELLO);
      bytes[bit] = (bytes[bit] ?? 0) ^ (1 << bit);
      const flipped = await verify(receipt, await file('flipped', bytes), '--key', kid);
      expect([flipped.code, failures(flipped.events)]).toEqual([1, [['sha256', 'file.digest_differs']]]);
    }
    const longer = await verify(receipt, await file('longer', `${HELLO}!`), '--key', kid);
    expect([longer.code, failures(longer.events)]).toEqual([1, [['size', 'file.size_differs']]]);
  });

  it('of which the receipt has no digest is not called the same, unless it is empty', async () => {
    const receipt = await file('bare.json', (await receiptText(signer, { digests: [] })).text);
    const { code, events } = await verify(receipt, await file('same', HELLO), '--key', kid);
    expect([code, failures(events)]).toEqual([1, [['content', 'receipt.no_digest']]]);
    const empty = await receiptText(signer, { digests: [], file: { name: 'empty', sizeBytes: 0 } });
    const nothing = await verify(await file('empty.json', empty.text), await file('empty', ''), '--key', kid);
    expect(nothing.code).toBe(0);
  });
});
