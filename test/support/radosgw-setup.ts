/** One radosgw for all test files of the project `stores`; they take it with `inject('radosgw')`. */
import type { TestProject } from 'vitest/node';
import { plainAddress, type RadosgwAddress, startRadosgw } from './radosgw.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Null where there is none and none can be installed: then the tests that need it are skipped, never with `CI=true`. */
    radosgw: RadosgwAddress | null;
  }
}

let radosgw: Awaited<ReturnType<typeof startRadosgw>> = null;

export async function setup(project: TestProject): Promise<void> {
  radosgw = await startRadosgw();
  project.provide('radosgw', radosgw && plainAddress(radosgw));
}

export async function teardown(): Promise<void> {
  await radosgw?.[Symbol.asyncDispose]();
}
