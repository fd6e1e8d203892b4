/** A data directory that was moved takes the folders inside it along. */
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import type { Destinations } from '#core/ports/destinations.ts';
import type { DataDir } from './data-dir.ts';

/** Where the directory was when it was last used. */
const FILE = 'root';

/**
 * A folder destination keeps the absolute path of its root. Where that lies inside the directory as it was at the last start, it is
 * changed to the same place inside the directory as it is now. Call it while nothing is under way.
 */
export async function followMove(data: DataDir, destinations: Pick<Destinations, 'list' | 'change'>): Promise<void> {
  const file = data.path(FILE);
  const before = existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : data.root;
  if (before !== data.root) {
    for (const { id, provider, settings } of await destinations.list()) {
      const root = settings['root'];
      if (provider !== 'folder' || typeof root !== 'string' || !isAbsolute(root)) continue;
      const inside = relative(before, root);
      if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) continue;
      await destinations.change(id, { settings: { ...settings, root: join(data.root, inside) } }, { site: 'same' });
    }
  }
  data.write(FILE, `${data.root}\n`);
}
