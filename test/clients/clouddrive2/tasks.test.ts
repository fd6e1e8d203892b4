import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { faultOf, type Rig, rig } from './rig.ts';

describe('the task list of CloudDrive2', () => {
  it('comes page by page, all of it, and no page before it is wanted', async () => {
    await using it = await rig();
    await startMany(it, 230);
    const tasks = it.client.taskList({ origin: 'remote-upload' }, it.signal);
    await tasks.next();
    expect(it.fake.countOf('GetUploadFileList')).toBe(1);
    const paths = (await Array.fromAsync(tasks)).map(({ path }) => path);
    expect(new Set(paths).size).toBe(229);
    expect(it.fake.countOf('GetUploadFileList')).toBe(3);
  });

  it('is filtered by the server, by name and by origin', async () => {
    await using it = await rig();
    await startMany(it, 3);
    expect(await Array.fromAsync(it.client.taskList({ name: 'file-1' }, it.signal))).toMatchObject([
      { path: '/115/file-1', origin: 'remote-upload', sizeBytes: 9 },
    ]);
    expect(await Array.fromAsync(it.client.taskList({ origin: 'copy' }, it.signal))).toEqual([]);
  });

  it('pauses, resumes and cancels by key', async () => {
    await using it = await rig();
    const { client, signal } = it;
    await startMany(it, 1);
    const state = async () => (await Array.fromAsync(client.taskList({}, signal)))[0]?.state;
    const [task] = await Array.fromAsync(client.taskList({}, signal));
    const keys = [task?.key ?? ''];
    await client.taskPause(keys, signal);
    expect(await state()).toBe('paused');
    await client.taskResume(keys, signal);
    expect(await state()).toBe('preparing');
    await client.taskCancel(keys, signal);
    expect(await state()).toBe('canceled');
  });

  it('of an old server is read from its texts', async () => {
    await using it = await rig();
    it.fake.habits.add('tasks have text only');
    await startMany(it, 1);
    expect(await Array.fromAsync(it.client.taskList({}, it.signal))).toMatchObject([{ state: 'preparing' }]);
  });
});

describe('files written through CloudDrive2', () => {
  const content = randomBytes(2_500_000);

  it('go in blocks of at most 1 MiB, and are in the cloud some time after they are closed', async () => {
    await using it = await rig();
    const { client, signal, fake } = it;
    const session = await client.uploadCreateSession('/115/文件', signal);
    expect(await client.uploadDataStream(session, chunks(content), signal)).toBe(content.length);
    await client.uploadComplete(session, signal);
    const sizes = fake.calls.flatMap(({ rpc, request }) => (rpc === 'WriteToFile' ? [lengthOf(request)] : []));
    expect(sizes).toEqual([1_048_576, 1_048_576, 402_848]);
    expect(await client.fsStat('/115/文件', signal)).toMatchObject({ isLocal: true });
    expect(await Array.fromAsync(client.taskList({ origin: 'mount' }, signal))).toMatchObject([
      { path: '/115/文件', state: 'queued' },
    ]);
    fake.flushWrites();
    expect(await client.fsStat('/115/文件', signal)).toMatchObject({ sizeBytes: content.length });
    expect(fake.tree.find('/115/文件')?.content?.equals(content)).toBe(true);
  });

  it('may be empty', async () => {
    await using it = await rig();
    const session = await it.client.uploadCreateSession('/115/empty', it.signal);
    await it.client.uploadDataStream(session, chunks(Buffer.alloc(0)), it.signal);
    await it.client.uploadComplete(session, it.signal);
    it.fake.flushWrites();
    expect(it.fake.tree.find('/115/empty')?.sizeBytes).toBe(0);
  });

  it('are not whole when the server took less than it was given', async () => {
    await using it = await rig();
    it.fake.habits.add('takes short');
    const session = await it.client.uploadCreateSession('/115/f', it.signal);
    const fault = await faultOf(it.client.uploadChunk(session, 0, content.subarray(0, 100), it.signal));
    expect(fault).toMatchObject({ kind: 'transient', code: 'clouddrive2.short_write' });
  });

  it('have their blocks written again after a break, and their creation not', async () => {
    await using it = await rig();
    it.fake.failNext('WriteToFile', 14, 'reset', 2);
    const session = await it.client.uploadCreateSession('/115/f', it.signal);
    await it.client.uploadChunk(session, 0, content.subarray(0, 100), it.signal);
    it.fake.failNext('CreateFile', 14, 'reset', 1);
    expect(await faultOf(it.client.uploadCreateSession('/115/g', it.signal))).toMatchObject({ kind: 'transient' });
    expect(it.fake.countOf('CreateFile')).toBe(2);
  });

  it('need a folder', async () => {
    await using it = await rig();
    const fault = await faultOf(it.client.uploadCreateSession('/115/none/f', it.signal));
    expect(fault).toMatchObject({ kind: 'rejected', code: 'clouddrive2.not_found' });
  });
});

async function startMany({ client, signal, fake }: Rig, count: number): Promise<void> {
  const start = (name: string) => ({ path: `/115/${name}`, sizeBytes: 9, hashes: {}, hashing: 'by-us' as const });
  const names = Array.from({ length: count }, (_, index) => `file-${index}`);
  await Promise.all(names.map((name) => client.startRemoteUpload(start(name), signal)));
  await fake.until(() => fake.uploads().every(({ status }) => status === 'Preprocessing'));
}

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_003) yield bytes.subarray(at, at + 100_003);
}

function lengthOf(request: unknown): unknown {
  return typeof request === 'object' && request !== null && 'length' in request ? request.length : undefined;
}
