/** Limits of links hold exactly: under races, over repeats, and though a process dies between the share and the rows. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import { uploadIdFrom } from '#core/ids.ts';
import { handIn } from '#core/intake/link/hand-in.ts';
import { Link } from '#core/intake/link/link.ts';
import { recountAll } from '#core/intake/link/recount.ts';
import { readLink } from '#core/intake/link/register.ts';
import type { Cells } from '#core/ports/cells.ts';
import { CreateDropUpload, LINK_OPEN_MAX, LinkList, LinkView } from '#core/wire/link.ts';
import { guestHandler } from '../../functions/sweep.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, CHUNK_BYTES } from './rig.ts';
import { customer, handInWhole, openLink } from './senders.ts';
import { canceled, failed } from './steps.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const used = async (id: string) => {
  const { filesUsed, bytesUsed, filesOpen } = LinkView.parse((await rig.call('GET', `/api/v1/links/${id}`)).body);
  return { filesUsed, bytesUsed, filesOpen };
};
const door = (cells: Cells = rig.cells) => ({ intake: rig.intake, cells, clock: rig.engine.clock });
const statuses = (answers: readonly { readonly status: number }[]) => answers.map(({ status }) => status).toSorted();

describe('the number of files', () => {
  it('is what was set, of however many that come at once', async () => {
    const { link, secret } = await openLink(rig, { filesMax: 3 });
    const many = Array.from({ length: 12 }, (_, i) => customer(rig, secret, `Sender ${i}`));
    const answers = await Promise.all(many.map((one) => one.announce()));
    expect(statuses(answers)).toEqual([201, 201, 201, ...Array.from({ length: 9 }, () => 409)]);
    for (const answer of answers.filter(({ status }) => status === 409)) expectError(answer, 409, 'link.full');
    expect(await used(link.id)).toEqual({ filesUsed: 3, bytesUsed: 15, filesOpen: 3 });
    expect(await many[0]?.look()).toMatchObject({ state: 'full', filesLeft: 0 });
  });

  it('counts a repeated request once, also when it is repeated at the same time and after the link is full', async () => {
    const { link, secret } = await openLink(rig, { filesMax: 2 });
    const ann = customer(rig, secret, 'Ann');
    const answers = await Promise.all(Array.from({ length: 6 }, () => ann.create({}, 'one key')));
    expect(new Set(answers.map(({ upload }) => upload.id)).size).toBe(1);
    await ann.create();
    const again = await ann.create({}, 'one key');
    expect(again.upload.id).toBe(answers[0]?.upload.id);
    expect(await used(link.id)).toMatchObject({ filesUsed: 2 });
    expectError(await ann.announce({ name: 'other.mp4' }, 'one key'), 409, 'upload.idempotency_conflict');
    expectError(await customer(rig, secret, 'Bob').announce({}, 'one key'), 409, 'link.full');
  });

  it('counts once what is repeated when the first is whole already, and when the link goes elsewhere now', async () => {
    const { link, secret } = await openLink(rig);
    const ann = customer(rig, secret, 'Ann');
    const first = await handInWhole(rig, ann, 'k');
    rig.jump(MINUTE_MS);
    await rig.settle();
    await rig.call('PATCH', `/api/v1/links/${link.id}`, { destinations: [{ id: 'second' }] });
    expect((await ann.create({}, 'k')).transfers).toMatchObject([{ id: first.transfers[0]?.id, phase: 'done' }]);
    expect(await used(link.id)).toEqual({ filesUsed: 1, bytesUsed: 5, filesOpen: 0 });
  });
});

describe('files on their way', () => {
  it('are bounded by the room that the owner has, without taking a share', async () => {
    const { link, secret } = await openLink(rig);
    const kept = (await readLink(door(), link.id)) ?? expect.fail('no link');
    const request = CreateDropUpload.parse({ name: 'film.mp4', sizeBytes: 5, senderName: 'Ann' });
    const mayOpen = () => Promise.reject(new Fault('throttled', 'uploads.too_many', '7 transfers are open'));
    const full = { ...door(), intake: { ...rig.intake, mayOpen } };
    const file = { senderId: customer(rig, secret).senderId, idempotencyKey: 'k', request };
    await expect(handIn(full, kept, file)).rejects.toMatchObject({ kind: 'throttled', code: 'link.busy' });
    expect(await used(link.id)).toMatchObject({ filesUsed: 0 });
  });

  it('are so many at once, and room is made by those that are found whole', async () => {
    const { link, secret } = await openLink(rig, { perSender: 'flat' });
    const ann = customer(rig, secret);
    const whole = await handInWhole(rig, ann);
    const key = { pk: 'LINKS', sk: link.id };
    const kept = Link.parse((await rig.cells.read(key))?.value);
    const now = rig.engine.clock.now();
    const others = Array.from({ length: LINK_OPEN_MAX - 1 }, (_, i) => [uploadIdFrom('other', String(i)), 1, now]);
    // The one that is whole is the last to be looked at.
    await rig.cells.swap(key, 2, { ...kept, open: [...others, ...kept.open] });
    let looks = 0;
    for (; (await ann.announce()).status === 429; looks++) rig.jump(10_000);
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThan(5);
    expect(Link.parse((await rig.cells.read(key))?.value).open.map(([id]) => id)).not.toContain(whole.upload.id);
  });
});

describe('the number of bytes', () => {
  it('is what was set, of all files together and of each', async () => {
    const { link, secret } = await openLink(rig, { bytesMax: 100, fileBytesMax: 60, suffixes: ['.MP4'] });
    const ann = customer(rig, secret, 'Ann');
    expectError(await ann.announce({ sizeBytes: 61 }), 413, 'link.file_too_large');
    expectError(await ann.announce({ name: 'film.exe' }), 400, 'link.suffix_refused');
    const answers = await Promise.all([60, 60, 60].map((sizeBytes) => ann.announce({ sizeBytes, name: 'A.Mp4' })));
    expect(statuses(answers)).toEqual([201, 409, 409]);
    await ann.create({ sizeBytes: 40 });
    expect(await used(link.id)).toMatchObject({ filesUsed: 2, bytesUsed: 100 });
    expectError(await ann.announce({ sizeBytes: 1 }), 409, 'link.full');
  });

  it('is what was set, though one key is used for two sizes at the same moment', async () => {
    const { link, secret } = await openLink(rig, { bytesMax: 100 });
    const kept = (await readLink(door(), link.id)) ?? expect.fail('no link');
    const ann = customer(rig, secret, 'Ann');
    const fileOf = (sizeBytes: number) => ({
      ...{ senderId: ann.senderId, idempotencyKey: 'k' },
      request: CreateDropUpload.parse({ name: 'film.mp4', sizeBytes, senderName: 'Ann' }),
    });
    const other = { status: 'rejected', reason: { code: 'upload.idempotency_conflict' } };
    let second: Promise<PromiseSettledResult<unknown>[]> | null = null;
    // The large one comes when the small one has its share and no row yet.
    const table = {
      ...rig.table,
      create: async (...args: Parameters<typeof rig.table.create>) => {
        second ??= Promise.allSettled([handIn(door(), kept, fileOf(99))]);
        await second;
        return rig.table.create(...args);
      },
    };
    await handIn({ ...door(), intake: { ...rig.intake, table } }, kept, fileOf(1));
    expect(await second).toMatchObject([other]);
    expect(await used(link.id)).toMatchObject({ filesUsed: 1, bytesUsed: 1 });
  });

  it('is bounded without a limit too: what nobody has sent a byte of makes no link unreadable', async () => {
    const { link, secret } = await openLink(rig);
    const ann = customer(rig, secret, 'Ann');
    const key = { pk: 'LINKS', sk: link.id };
    const cell = await rig.cells.read(key);
    const bytesUsed = Number.MAX_SAFE_INTEGER - 10;
    await rig.cells.swap(key, cell?.v ?? 0, { ...Link.parse(cell?.value), bytesUsed });
    expectError(await ann.announce({ sizeBytes: 11 }), 409, 'link.full');
    await ann.create({ sizeBytes: 10 });
    expect(await used(link.id)).toMatchObject({ bytesUsed: Number.MAX_SAFE_INTEGER });
  });

  it('is not taken by what a destination would refuse, which is not told either', async () => {
    const { link, secret } = await openLink(rig, { destinations: [{ id: 'folder' }, { id: 'second' }] });
    await rig.call('DELETE', '/api/v1/destinations/second');
    const message = expectError(await customer(rig, secret, 'Ann').announce(), 400, 'link.file_refused');
    expect(message).not.toContain('second');
    expect(await used(link.id)).toMatchObject({ filesUsed: 0, bytesUsed: 0 });
  });
});

describe('a share', () => {
  it('is given back at once by a sender who takes the file back, and only once', async () => {
    const { link, secret } = await openLink(rig, { filesMax: 1 });
    const ann = customer(rig, secret, 'Ann');
    const { upload } = await ann.create();
    await ann.call('DELETE', `/uploads/${upload.id}`);
    expect(await used(link.id)).toEqual({ filesUsed: 0, bytesUsed: 0, filesOpen: 0 });
    const second = await ann.create();
    expect((await ann.call('DELETE', `/uploads/${upload.id}`)).status).toBe(200);
    await rig.settle();
    expect((await ann.call('DELETE', `/uploads/${upload.id}`)).status).toBe(200);
    expect(await used(link.id)).toMatchObject({ filesUsed: 1, filesOpen: 1 });
    expect(second.upload.id).not.toBe(upload.id);
  });

  it('stays taken by a file that is whole, though it is canceled or fails at its destination', async () => {
    const { link, secret } = await openLink(rig);
    const ann = customer(rig, secret, 'Ann');
    const whole = [await handInWhole(rig, ann), await handInWhole(rig, ann)];
    await ann.call('POST', `/uploads/${whole[0]?.upload.id}/complete`, {});
    await ann.call('GET', `/uploads/${whole[1]?.upload.id}`);
    for (const [index, step] of [canceled(rig), failed(rig)].entries()) {
      const id = whole[index]?.transfers[0]?.id;
      if (id !== undefined) await rig.force(id, step);
    }
    expect(await used(link.id)).toEqual({ filesUsed: 2, bytesUsed: 10, filesOpen: 0 });
  });

  it('of a file that is whole is told as such in the list, though its sender never came back to ask', async () => {
    const { secret } = await openLink(rig);
    await handInWhole(rig, customer(rig, secret, 'Ann'));
    const listed = async () => LinkList.parse((await rig.call('GET', '/api/v1/links')).body).items[0];
    expect(await listed()).toMatchObject({ filesUsed: 1, filesOpen: 1 });
    rig.jump(5_000);
    expect(await listed()).toMatchObject({ filesUsed: 1, filesOpen: 0 });
  });

  it('is given back when the owner cancels, or the upload expires, before the file is whole', async () => {
    const { link, secret } = await openLink(rig, {
      filesMax: 2,
      expiresAt: new Date(rig.engine.clock.now() + 60 * DAY_MS).toISOString(),
    });
    const ann = customer(rig, secret, 'Ann');
    const [one] = [await ann.create({ sizeBytes: 2 * CHUNK_BYTES }), await ann.create({ sizeBytes: 2 * CHUNK_BYTES })];
    await rig.call('DELETE', `/api/v1/uploads/${one.upload.id}`);
    rig.jump(10_000);
    // Full until somebody looks: the one who knocks does.
    await ann.create({ sizeBytes: 2 * CHUNK_BYTES });
    expect(await used(link.id)).toMatchObject({ filesUsed: 2 });
    rig.jump(8 * DAY_MS);
    await rig.settle();
    rig.jump(10 * MINUTE_MS);
    await rig.settle();
    await guestHandler({ intake: rig.intake, cells: rig.cells, multipart: {} as never })();
    expect(Link.parse((await rig.cells.list('LINKS', { limit: 1 }))[0]?.value)).toMatchObject({
      filesUsed: 0,
      bytesUsed: 0,
      open: [],
    });
  });

  it('that a process took before it died is taken once by the repeat, and given back without one', async () => {
    const { link, secret } = await openLink(rig);
    const ann = customer(rig, secret, 'Ann');
    const kept = (await readLink(door(), link.id)) ?? expect.fail('no link');
    const request = CreateDropUpload.parse({ name: 'film.mp4', sizeBytes: 5, senderName: 'Ann' });
    const dying = {
      ...door(),
      intake: { ...rig.intake, table: { ...rig.table, create: () => Promise.reject(new Error('died')) } },
    };
    for (const idempotencyKey of ['repeated', 'left']) {
      await expect(handIn(dying, kept, { senderId: ann.senderId, idempotencyKey, request })).rejects.toThrow('died');
    }
    expect(await used(link.id)).toMatchObject({ filesUsed: 2, filesOpen: 2 });
    await ann.create({}, 'repeated');
    rig.jump(3 * MINUTE_MS);
    expect(await recountAll(door())).toBe(1);
    expect(await used(link.id)).toEqual({ filesUsed: 1, bytesUsed: 5, filesOpen: 1 });
    // Whoever was only late finds the place taken, and brings nothing in without a share.
    expectError(await ann.announce({}, 'left'), 409, 'upload.idempotency_conflict');
    await ann.create({}, 'another key');
    expect(await used(link.id)).toMatchObject({ filesUsed: 2 });
  });

  it('is taken once though the answer of its write is lost', async () => {
    const { link, secret } = await openLink(rig);
    const kept = (await readLink(door(), link.id)) ?? expect.fail('no link');
    const request = CreateDropUpload.parse({ name: 'film.mp4', sizeBytes: 5, senderName: 'Ann' });
    let lost = 0;
    const deaf: Cells = {
      ...rig.cells,
      swap: async (...args) => {
        const made = await rig.cells.swap(...args);
        return lost++ === 0 ? false : made;
      },
    };
    const file = { senderId: customer(rig, secret).senderId, idempotencyKey: 'k', request };
    await handIn(door(deaf), kept, file);
    expect(await used(link.id)).toMatchObject({ filesUsed: 1, bytesUsed: 5 });
  });
});
