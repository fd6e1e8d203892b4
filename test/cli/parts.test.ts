import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findServer } from '../../cli/address.ts';
import { progressLine } from '../../cli/bars.ts';
import { parseTarget } from '../../cli/files.ts';
import { fitted, formatBytes, formatMs, formatSeconds, formatShare, printable } from '../../cli/format.ts';
import { openLocalFile } from '../../cli/local-file.ts';
import { slots } from '../../cli/slots.ts';
import { terminal } from '../../cli/terminal.ts';
import { command, hastyClock } from './command.ts';

async function dataDir(files: Readonly<Record<string, string>>) {
  const path = await mkdtemp(join(tmpdir(), 'entrepot-cli-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

describe('a file of this machine', () => {
  it('is refused when it is a pipe that nobody writes to, or a folder, and never waited for', async () => {
    await using data = await dataDir({ 'a.bin': 'abc' });
    const pipe = join(data.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, data.path]) {
      await expect(openLocalFile(path)).rejects.toMatchObject({ code: 'file.not_regular' });
    }
    const file = await openLocalFile(join(data.path, 'a.bin'));
    expect(file.sizeBytes).toBe(3);
    await file.close();
  });
});

describe('where the server is', () => {
  it('is found in the data directory', async () => {
    await using data = await dataDir({ url: 'http://localhost:8000\n', token: 'secret\n' });
    expect(await findServer({ ENTREPOT_DATA: data.path }, '/')).toEqual({
      url: 'http://localhost:8000',
      token: 'secret',
    });
  });

  it('a token found on disk goes to no address but the one beside it', async () => {
    await using data = await dataDir({ url: 'http://localhost:8000\n', token: 'secret\n' });
    const env = { ENTREPOT_DATA: data.path, ENTREPOT_URL: 'https://elsewhere.example' };
    await expect(findServer(env, '/')).rejects.toMatchObject({ code: 'auth.required', exitCode: 2 });
  });

  it('a server whose token was given by environment says that it is needed here too', async () => {
    await using data = await dataDir({ url: 'http://localhost:8000\n' });
    await expect(findServer({ ENTREPOT_DATA: data.path }, '/')).rejects.toMatchObject({
      code: 'auth.required',
      exitCode: 2,
      message: expect.stringContaining('ENTREPOT_TOKEN'),
    });
  });

  it('is told by the environment, with the token apart or as it was printed', async () => {
    const apart = { ENTREPOT_URL: 'https://box.example/base/', ENTREPOT_TOKEN: 't' };
    expect(await findServer(apart, '/')).toEqual({ url: 'https://box.example/base', token: 't' });
    const printed = { ENTREPOT_URL: 'http://localhost:8000/#token=t' };
    expect(await findServer(printed, '/')).toEqual({ url: 'http://localhost:8000', token: 't' });
  });

  it.each([
    [{}, 'server.not_found'],
    [{ ENTREPOT_URL: 'localhost:8000', ENTREPOT_TOKEN: 't' }, 'usage'],
  ])('%j is a problem with exit code 2', async (env, code) => {
    await expect(findServer(env, '/nowhere')).rejects.toMatchObject({ code, exitCode: 2 });
  });
});

describe('entrepot s3', () => {
  const keys = { accessKeyId: 'K', secretAccessKey: 'S', region: 'local', endpoint: 'http://h:1', bucket: 'entrepot' };
  const run = async (s3Json: string, args: readonly string[]) => {
    await using data = await dataDir({ 's3.json': s3Json });
    return command(['s3', ...args], { env: { ENTREPOT_DATA: data.path }, clock: hastyClock() });
  };

  it('prints the keys as KEY=value lines', async () => {
    const { code, out } = await run(JSON.stringify(keys), ['--env']);
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'AWS_ACCESS_KEY_ID=K',
      'AWS_SECRET_ACCESS_KEY=S',
      'AWS_REGION=local',
      'AWS_ENDPOINT_URL=http://h:1',
      'ENTREPOT_BUCKET=entrepot',
      '',
    ]);
  });

  it('prints no secret unless asked, and says when the file is broken', async () => {
    expect((await run(JSON.stringify(keys), [])).out).not.toMatch(/\bS\b|secret/i);
    expect(await run('{', ['--env'])).toMatchObject({ code: 2, errors: expect.stringMatching(/s3\.unreadable/) });
  });
});

describe('entrepot s3, where files are staged in a store of the user’s own', () => {
  const place = { kind: 's3', endpoint: 'http://h:1', region: 'eu', bucket: 'mine' };
  const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    await using data = await dataDir({
      'staging.json': JSON.stringify(place),
      's3.json': 'that of the built-in bucket, from an earlier start',
      'events-token': 'secret-of-events\n',
      url: 'http://localhost:8000\n',
    });
    return command(['s3', ...args], { env: { ENTREPOT_DATA: data.path, ...env }, clock: hastyClock() });
  };

  it('tells where the bucket is, and not its keys', async () => {
    const { code, out } = await run([]);
    expect(code).toBe(0);
    expect(out).toMatch(/http:\/\/h:1[\s\S]*mine/);
    expect(out).not.toContain('secret-of-events');
  });

  it('prints the keys that are in this environment too, and asks for them where they are not', async () => {
    const keys = { ENTREPOT_S3_ACCESS_KEY_ID: 'K', ENTREPOT_S3_SECRET_ACCESS_KEY: 'S', ENTREPOT_S3_SESSION_TOKEN: 'T' };
    expect((await run(['--env'], keys)).out.trim().split('\n')).toEqual([
      'AWS_ACCESS_KEY_ID=K',
      'AWS_SECRET_ACCESS_KEY=S',
      'AWS_SESSION_TOKEN=T',
      'AWS_REGION=eu',
      'AWS_ENDPOINT_URL=http://h:1',
      'ENTREPOT_BUCKET=mine',
    ]);
    const { ENTREPOT_S3_SECRET_ACCESS_KEY: _, ...half } = keys;
    expect(await run(['--env'], half)).toMatchObject({ code: 2, errors: expect.stringMatching(/s3\.keys_elsewhere/) });
  });

  it('prints where events may be pushed', async () => {
    expect((await run(['--events-url'])).out.trim()).toBe('http://localhost:8000/api/v1/events/s3/secret-of-events');
  });

  it('has no address for events of the built-in bucket', async () => {
    await using data = await dataDir({ 'staging.json': '{"kind":"own"}', url: 'http://localhost:8000\n' });
    const { code, errors } = await command(['s3', '--events-url'], {
      env: { ENTREPOT_DATA: data.path },
      clock: hastyClock(),
    });
    expect({ code, errors }).toMatchObject({ code: 2, errors: expect.stringMatching(/s3\.no_events/) });
  });
});

describe('words of the command line', () => {
  it.each([
    ['nas', 'nas', '/'],
    ['nas/', 'nas', '/'],
    ['nas/影视//2025/', 'nas', '/影视/2025'],
  ])('%s is %s and %s', (text, destinationId, folder) => {
    expect(parseTarget(text)).toEqual({ destinationId, folder });
  });

  it('help is no failure, and no command is not understood', async () => {
    const around = { env: {}, clock: hastyClock() };
    expect((await command(['--help'], around)).code).toBe(0);
    expect((await command(['put', '--help'], around)).out).toMatch(/--watch/);
    expect((await command(['nonsense'], around)).code).toBe(2);
    expect((await command(['ls', '--status', 'nonsense'], around)).code).toBe(2);
  });
});

describe('text', () => {
  it('numbers are short', () => {
    expect([0, 999, 1000, 1536, 10_485_760, 123_456_789].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '0.98 KiB',
      '1.50 KiB',
      '10.0 MiB',
      '118 MiB',
    ]);
    expect([0, 7, 754, 11_109].map(formatSeconds)).toEqual(['0:00', '0:07', '12:34', '3:05:09']);
    expect([350, 2100].map(formatMs)).toEqual(['350 ms', '2.1 s']);
  });

  it('a share is 100% only when all is there', () => {
    expect(formatShare(999_999, 1_000_000)).toBe(' 99%');
    expect(formatShare(5, 5)).toBe('100%');
    expect(formatShare(0, 0)).toBe('100%');
  });

  it('fits the columns of a terminal, where some characters take two', () => {
    expect(fitted('abc', 5)).toBe('abc  ');
    expect(fitted('abcdef', 5)).toBe('abcd…');
    expect(fitted('测试文件', 8)).toBe('测试文件');
    expect(fitted('测试文件', 7)).toBe('测试文…');
    expect(fitted('测试文件', 6)).toBe('测试… ');
  });

  it('control characters of a name never reach the terminal', () => {
    expect(printable('a\u001b[2Jb\n')).toBe('a\ufffd[2Jb\ufffd');
    expect(printable('bill\u202efdp.exe')).toBe('bill\ufffdfdp.exe');
    expect(printable('婚礼 👨‍👩‍👧.mp4')).toBe('婚礼 👨‍👩‍👧.mp4');
  });

  it('a bar is no wider than the terminal', () => {
    const line = { label: 'staged', doneBytes: 5e8, sizeBytes: 1e9, speedBytesPerSecond: 12e6, etaSeconds: 42 };
    expect(progressLine(line, 80)).toBe(`  staged      ${'█'.repeat(16)}${'░'.repeat(17)}  50%   11.4 MiB/s     0:42`);
    expect([...progressLine(line, 40)].length).toBeLessThan(40);
  });

  it('what is drawn is replaced, what is printed stays', () => {
    let out = '';
    const add = (text: string) => {
      out += text;
    };
    const screen = terminal({ out: add, error: add, isInteractive: true, size: () => ({ columns: 80, rows: 24 }) });
    screen.draw(['one', 'two']);
    screen.print('kept');
    screen.complain('wrong');
    screen.draw([]);
    expect(out).toBe(
      'one\ntwo\n\u001b[2A\r\u001b[Jkept\none\ntwo\n\u001b[2A\r\u001b[Jwrong\none\ntwo\n\u001b[2A\r\u001b[J',
    );
  });
});

describe('slots', () => {
  const never = new AbortController().signal;

  it('are never more than the limit, which halves for a busy store and grows back', async () => {
    const pool = slots(4);
    let taken = 0;
    let most = 0;
    const hold = async (outcome: 'went_well' | 'was_busy') => {
      const give = await pool.take(never);
      most = Math.max(most, ++taken);
      await new Promise((resolve) => setImmediate(resolve));
      taken--;
      give(outcome);
    };
    const peakOf = async (count: number) => {
      most = 0;
      await Promise.all(Array.from({ length: count }, () => hold('went_well')));
      return most;
    };
    expect(await peakOf(20)).toBe(4);
    await hold('was_busy');
    expect(await peakOf(7)).toBe(2);
    expect(await peakOf(40)).toBe(4);
    for (let time = 0; time < 5; time++) await hold('was_busy');
    expect(await peakOf(2)).toBe(1);
  });

  it('who stops waiting takes none', async () => {
    const pool = slots(1);
    const give = await pool.take(never);
    const stopping = new AbortController();
    const waiting = pool.take(stopping.signal);
    stopping.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    give('went_well');
    await pool.take(never);
    await expect(pool.take(stopping.signal)).rejects.toThrow('enough');
  });
});
