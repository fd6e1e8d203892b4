/** A small file system of its own for one test. */
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';

export interface Mounted extends AsyncDisposable {
  readonly path: string;
  makeReadOnly(): Promise<void>;
  unmount(): Promise<void>;
  mountAgain(): Promise<void>;
}

const run = promisify(execFile);

/** Where this user may not mount, the test is skipped with the reason; with CI=true it fails. */
export async function mounted(context: TestContext, sizeBytes: number): Promise<Mounted> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'entrepot-mount-')));
  const mount = () => run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'entrepot-test', path]);
  let isMounted = false;
  const unmount = async () => {
    if (isMounted) await run('umount', [path]);
    isMounted = false;
  };
  try {
    await mount();
    isMounted = true;
  } catch (error) {
    await rm(path, { recursive: true });
    skip(context, `it needs the right to mount: ${error}`);
  }
  return {
    path,
    makeReadOnly: async () => {
      await run('mount', ['-o', 'remount,ro', path]);
    },
    unmount,
    mountAgain: async () => {
      await mount();
      isMounted = true;
    },
    [Symbol.asyncDispose]: async () => {
      await unmount();
      await rm(path, { recursive: true });
    },
  };
}

export function skip(context: TestContext, because: string): void {
  const { CI } = process.env;
  if (CI === 'true') throw new Error(`nothing may be skipped with CI=true: ${because}`);
  context.skip(because);
}
