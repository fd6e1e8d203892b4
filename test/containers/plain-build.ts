/** Does in plain directories what the lines of a Dockerfile would do in an image, and starts the result as a container would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, cp, lstat, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Context } from './context.ts';
import { copyOf, execForm, type Instruction, type Stage } from './dockerfile.ts';

export interface Built {
  /** What is `/` in the image. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  /** `uid:gid`; null: the one who built. */
  readonly user: string | null;
  readonly command: readonly string[];
  readonly probe: readonly string[];
}

export interface Plainly {
  readonly context: Context;
  /** An empty directory. */
  readonly into: string;
  /** Answers true when it has done by itself what the instruction would do in the stage's working directory. */
  readonly instead: (stage: Stage, instruction: Instruction, directory: string) => Promise<boolean>;
}

/** A registry that does not answer must not hold everything up. */
const RUN_TIMEOUT_MS = 120_000;

const EMPTY = { workdir: '/', env: {}, user: null, command: [], probe: [] };

export interface PlainBuilder {
  /** Stages that were built before, down to the letter, are not built again. */
  build(stages: readonly Stage[]): Promise<Built>;
  /** A process in the image: as its user when we may, with its environment, absolute paths led into its root. */
  start(built: Built, command: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
}

export async function plainBuilder({ context, into, instead }: Plainly): Promise<PlainBuilder> {
  await mkdir(join(into, 'bin'), { recursive: true });
  await chmod(into, 0o755);
  // The user of the image may not be able to reach the one that runs this.
  await copyFile(process.execPath, join(into, 'bin/node'));
  const path = `${join(into, 'bin')}:${process.env['PATH'] ?? ''}`;
  const built = new Map<string, Promise<Built>>();

  async function build(stages: readonly Stage[]): Promise<Built> {
    const byName = new Map<string, Built>();
    let last: Built | null = null;
    for (const stage of stages) {
      const key = JSON.stringify([stage.instructions, byName.get(stage.from)?.root ?? stage.from]);
      const making = built.get(key) ?? make(stage, byName, join(into, `image-${built.size}`));
      built.set(key, making);
      last = await making;
      byName.set(stage.name, last);
    }
    if (last === null) throw new Error('there is no stage');
    return last;
  }

  async function make(stage: Stage, byName: ReadonlyMap<string, Built>, root: string): Promise<Built> {
    const base = byName.get(stage.from);
    await mkdir(root);
    if (base !== undefined) await share(base.root, root);
    let now: Built = { ...(base ?? EMPTY), root };
    for (const instruction of stage.instructions) {
      const directory = join(root, now.workdir);
      if (!(await instead(stage, instruction, directory))) now = await apply(instruction, now, byName);
    }
    return now;
  }

  async function apply(instruction: Instruction, now: Built, byName: ReadonlyMap<string, Built>): Promise<Built> {
    const { word, text, flags } = instruction;
    switch (word) {
      case 'WORKDIR':
        await mkdir(join(now.root, text), { recursive: true });
        return { ...now, workdir: text };
      case 'ENV': {
        const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(text) ?? [];
        return { ...now, env: { ...now.env, [name]: value } };
      }
      case 'RUN':
        await run(now, text);
        return now;
      case 'COPY':
        await copy(instruction, now, flags['from'] === undefined ? null : (byName.get(flags['from']) ?? null));
        return now;
      case 'USER':
        return { ...now, user: text };
      case 'CMD':
        return { ...now, command: execForm(text) ?? [] };
      case 'HEALTHCHECK':
        return { ...now, probe: execForm(text.replace(/^CMD\s+/, '')) ?? [] };
      default:
        return now;
    }
  }

  async function run({ root, workdir, env }: Built, text: string): Promise<void> {
    const led = text.replaceAll(/(?<=\s)\/(?=\w)/g, `${root}/`);
    const command = isRoot() ? led : led.replaceAll(/ -[og] \d+/g, '');
    const child = spawn('/bin/sh', ['-e', '-c', command], {
      cwd: join(root, workdir),
      // What a build is given by its surroundings, as the registry's address, but not that a test runs.
      env: { ...process.env, NODE_ENV: undefined, VITEST: undefined, PATH: path, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: RUN_TIMEOUT_MS,
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2_000);
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`RUN ${text} ended with ${code}: ${errors}`);
  }

  async function copy(instruction: Instruction, now: Built, from: Built | null): Promise<void> {
    const { sources, target } = copyOf(instruction);
    const place = join(now.root, now.workdir, target);
    for (const source of sources) {
      if (from !== null) {
        await share(join(from.root, source), place);
        continue;
      }
      const isFolder = (await lstat(join(context.root, source))).isDirectory();
      for (const file of context.files(source)) {
        const inside = isFolder ? file.slice(source.length + 1) : target.endsWith('/') ? basename(file) : '';
        await mkdir(dirname(join(place, inside)), { recursive: true });
        await copyFile(join(context.root, file), join(place, inside));
      }
    }
  }

  function start(image: Built, command: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const inRoot = (value: string): string => (value.startsWith('/') ? join(image.root, value) : value);
    const given = Object.fromEntries(Object.entries({ ...image.env, ...env }).map(([k, v]) => [k, inRoot(v)]));
    const [program = '', ...args] = command;
    const [uid, gid = uid] = (image.user ?? '').split(':').map(Number);
    return spawn(program, args, {
      cwd: join(image.root, image.workdir),
      env: { PATH: join(into, 'bin'), ...given },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Only root may become somebody else.
      ...(image.user !== null && isRoot() ? { uid, gid } : {}),
    });
  }

  return { build, start };
}

/**
 * What is in one place is in the other too, as a copy would be: by links, since nothing is changed afterwards and ten thousand files
 * of packages take a busy disk a minute.
 */
async function share(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const linking = spawn('cp', ['-al', `${source}/.`, target], { stdio: 'ignore' });
  const [code] = await once(linking, 'close');
  // Not every system's `cp` can.
  if (code !== 0) await cp(source, target, { recursive: true, verbatimSymlinks: true });
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
