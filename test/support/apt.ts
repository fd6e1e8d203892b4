/** Debian's packages for tests that need a program which npm cannot bring. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Programs {
  /** What they are for, as in "no radosgw, so no test of …". */
  readonly purpose: string;
  /** Names to be found on the path. */
  readonly binaries: readonly string[];
  readonly packages: readonly string[];
}

/** 25 s on a quick mirror for the largest set. */
const INSTALL_TIMEOUT_MS = 600_000;
const UPDATE_TIMEOUT_MS = 120_000;
/** Another worker may be installing something else: dpkg waits for it this long. */
const LOCK_SECONDS = 300;
const SYSTEM_PATHS = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'];

const run = promisify(execFile);

/**
 * True when every binary is there, or could be installed by name. False when not: the reason is printed, and with `CI=true`
 * it is thrown instead. `ENTREPOT_NO_APT` forbids installing.
 */
export async function havePrograms(programs: Programs): Promise<boolean> {
  if (missing(programs).length === 0) return true;
  const reason = await install(programs);
  if (missing(programs).length === 0) return true;
  const message = `no ${missing(programs).join(', ')}, so no ${programs.purpose}: ${reason}`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`\n!!! SKIPPED: ${message}\n`);
  return false;
}

function missing({ binaries }: Programs): readonly string[] {
  const folders = [...(process.env['PATH'] ?? '').split(':').filter((folder) => folder !== ''), ...SYSTEM_PATHS];
  return binaries.filter((binary) => !folders.some((folder) => existsSync(join(folder, binary))));
}

/** Answers why they may still be missing. */
async function install({ purpose, packages }: Programs): Promise<string> {
  if (process.env['ENTREPOT_NO_APT']) return 'ENTREPOT_NO_APT is set';
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return `install Debian's ${packages.join(' ')}`;
  process.stderr.write(`\ninstalling ${packages.join(', ')} for the ${purpose} (ENTREPOT_NO_APT forbids it)\n`);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: INSTALL_TIMEOUT_MS };
  const get = () =>
    run(
      'apt-get',
      ['install', '-y', '--no-install-recommends', '-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`, ...packages],
      options,
    );
  try {
    // The lists of a fresh machine are empty, and old ones name files that the mirror no longer has.
    await get().catch(async () => {
      await run('apt-get', ['update'], { timeout: UPDATE_TIMEOUT_MS });
      await get();
    });
    return 'the packages brought no such program';
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 300) : 'apt-get failed';
  }
}
