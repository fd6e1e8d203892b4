/** The agent's process. */
import { writeFileSync } from 'node:fs';
import { setDefaultHighWaterMark } from 'node:stream';
import { systemClock } from '#adapters/system/clock.ts';
import { jsonLog } from '#adapters/system/log.ts';
import { traceOf } from '#core/trace.ts';
import { agentKinds, providerKinds } from '#providers/index.ts';
import about from '../package.json' with { type: 'json' };
import { endOnSignals, inOneLine } from '../relay/process.ts';
import { bucketDoor } from './bucket-door.ts';
import { HELP, readConfig } from './env.ts';
import { homeLine } from './home-line.ts';
import { live } from './life.ts';

/** It has told why on its last line. */
const EXIT_REPLACED = 3;
const EXIT_REFUSED = 2;

/** A driver that does not end in time is left behind. */
const END_MS = 8_000;

// Sixteen messages of a part would be read ahead of its driver, beyond what the window holds.
setDefaultHighWaterMark(true, 1);

try {
  await start();
} catch (error) {
  process.stderr.write(`The agent cannot start: ${inOneLine(error)}\n`);
  process.exit(1);
}

async function start(): Promise<void> {
  const config = readConfig(process.argv.slice(2), process.env, {
    kinds: providerKinds,
    usualKinds: agentKinds,
    version: about.version,
  });
  if (config === null) {
    process.stdout.write(HELP);
    return;
  }
  const { home, key, facts, kinds, aliveFile, logLevel } = config;
  const clock = systemClock();
  const log = jsonLog((line) => process.stdout.write(line), logLevel);
  const stopping = new AbortController();
  log.info('agent.started', { agentId: facts.id, providers: facts.providers.join(' ') });
  const life = live({
    clock,
    log,
    dial: () => homeLine(home),
    bucket: bucketDoor(home.security),
    key,
    facts,
    kinds,
    memoryBytes: () => process.memoryUsage.rss(),
    onHeard: () => {
      try {
        if (aliveFile !== null) writeFileSync(aliveFile, String(Date.now()), { mode: 0o600 });
      } catch (error) {
        log.error('agent.alive_not_noted', traceOf(error));
      }
    },
    signal: stopping.signal,
  });
  endOnSignals(async () => {
    log.info('agent.ending');
    stopping.abort();
    await Promise.race([life, clock.sleep(END_MS)]);
    log.info('agent.ended');
  });
  const outcome = await life;
  if (outcome.kind === 'replaced') {
    process.stderr.write(
      `The agent ends: another one has come with its id, ${facts.id}. Give each an id of its own.\n`,
    );
    process.exit(EXIT_REPLACED);
  }
  if (outcome.kind === 'refused') {
    process.stderr.write(`The agent ends: the home refused it: ${inOneLine(outcome.fault)}\n`);
    process.exit(EXIT_REFUSED);
  }
}
