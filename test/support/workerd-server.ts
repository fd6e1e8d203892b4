/**
 * A Worker as wrangler runs it here, in a process that can be killed as a whole. Its arguments are the path of the configuration,
 * the folder of the state, and the port (0: any). It tells its parent each line that the Worker logs, and the URL when it answers,
 * and ends when its parent leaves it or ends.
 */
import { once } from 'node:events';
import { unstable_DevEnv as DevEnv } from 'wrangler';

const [, , config, persist, port] = process.argv;
if (config === undefined || persist === undefined)
  throw new Error('which configuration, and which folder for the state?');

// From the start: the parent may end before the Worker answers.
const left = once(process, 'disconnect');
const wrangler = new DevEnv();
const answers = new Promise<void>((answering, failed) => {
  wrangler.once('reloadComplete', () => answering());
  // Without these two, a Worker that cannot be built or started waits for a file to change.
  for (const event of ['buildFailed', 'error']) wrangler.once(event, failed);
});
const worker = await wrangler.startWorker({
  config,
  dev: {
    server: { hostname: '127.0.0.1', port: Number(port) },
    persist,
    remote: false,
    // What somebody edits meanwhile does not restart the Worker in the middle of a test.
    watch: false,
    inspector: false,
    registry: undefined,
    logLevel: 'error',
    structuredLogsHandler: ({ level, message }: { readonly level: string; readonly message: string }) =>
      say({ log: `${level}: ${message}` }),
  },
});
await Promise.all([answers, worker.ready]);
say({ url: (await worker.url).origin });
await left;
await worker.dispose();
process.exit(0);

function say(message: { readonly url: string } | { readonly log: string }): void {
  if (process.connected) process.send?.(message);
}
