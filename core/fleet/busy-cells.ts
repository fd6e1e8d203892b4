/** The same where many processes have files at one agent: each file is in the agent's cell, for as long as somebody says so. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { AgentId } from '#core/wire/agent.ts';
import type { TransferId } from '#core/wire/ids.ts';
import type { Busy } from './busy.ts';
import type { FileThere, Known } from './known.ts';
import type { KnownCells } from './known-cells.ts';

/** As long after its last write a file keeps its place: of a process that died, and between calls. */
const HELD_MS = 150_000;
/** With less than this left the next call writes it anew, as do calls that last. */
const RENEWED_AT_MS = 90_000;
const LOOK_MS = HELD_MS - RENEWED_AT_MS;
/** In a cell: agents take 64, and those that another one left may come on top. */
const FILES_MAX = 200;

interface Held {
  calls: number;
  /** As it was written from here last. */
  untilMs: number;
  /** While calls are under way here. */
  watching: AbortController | null;
  writing: Promise<boolean> | null;
}

/** One write when a file begins at an agent, one each minute while a process has calls of it there, and one when it is over. */
export function busyInCells(known: Pick<KnownCells, 'update' | 'all'>, clock: Clock): Busy {
  const here = new Map<string, Held>();

  /** Whether the file is in. */
  async function write(agent: AgentId, transferId: TransferId, roomFor: (files: number) => boolean): Promise<boolean> {
    let isIn = false;
    await known.update(agent, (kept) => {
      const files = liveFiles(kept, clock.now());
      const others = files.filter((file) => file.transferId !== transferId);
      isIn = others.length < files.length || roomFor(others.length);
      if (!isIn) return kept;
      const untilMs = clock.now() + HELD_MS;
      return { ...kept, files: [...others, { transferId, untilMs }].slice(-FILES_MAX) };
    });
    return isIn;
  }

  function written(held: Held, writing: Promise<boolean>): Promise<boolean> {
    const untilMs = clock.now() + HELD_MS;
    held.writing = writing
      .then((isIn) => {
        if (isIn) held.untilMs = untilMs;
        return isIn;
      })
      .finally(() => {
        held.writing = null;
      });
    return held.writing;
  }

  /** Calls may last longer than a place is held. */
  async function watch(agent: AgentId, transferId: TransferId, held: Held, signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      // Only if it is still in. What could not be written now is tried again, by the next call at the latest.
      const writing = write(agent, transferId, () => false);
      await written(held, writing).catch(() => false);
    }
  }

  /** Of files with nothing under way here those are forgotten that have no place any more. */
  function heldOf(agent: AgentId, transferId: TransferId): Held {
    for (const [key, { calls, untilMs }] of here) if (calls === 0 && untilMs <= clock.now()) here.delete(key);
    const key = keyOf(agent, transferId);
    const held = here.get(key) ?? { calls: 0, untilMs: 0, watching: null, writing: null };
    here.set(key, held);
    return held;
  }

  return {
    begin: async (agent, transferId, filesMax) => {
      const held = heldOf(agent, transferId);
      held.calls += 1;
      const leave = (): void => {
        held.calls -= 1;
        if (held.calls > 0) return;
        held.watching?.abort();
        held.watching = null;
      };
      try {
        if (held.untilMs - clock.now() < RENEWED_AT_MS) {
          const isIn = await (held.writing ??
            written(
              held,
              write(agent, transferId, (files) => files < filesMax),
            ));
          if (!isIn) {
            leave();
            return null;
          }
        }
      } catch (error) {
        leave();
        // Forgotten meanwhile: it takes nothing.
        if (error instanceof Fault && error.code === 'agent.unknown') return null;
        throw error;
      }
      if (held.watching === null) {
        held.watching = new AbortController();
        void watch(agent, transferId, held, held.watching.signal);
      }
      return leave;
    },

    over: async (agent, transferId) => {
      const key = keyOf(agent, transferId);
      here.get(key)?.watching?.abort();
      here.delete(key);
      let wasIn = false;
      await known.update(agent, (kept) => {
        const files = kept.files.filter((file) => file.transferId !== transferId);
        wasIn = files.length < kept.files.length;
        return wasIn ? { ...kept, files } : kept;
      });
      return wasIn;
    },

    look: async () => {
      const agents = await known.all();
      const now = clock.now();
      const at = new Map(agents.map((agent) => [agent.facts.id, liveFiles(agent, now)]));
      return {
        has: (agent, transferId) => at.get(agent)?.some((file) => file.transferId === transferId) ?? false,
        files: (agent) => at.get(agent)?.length ?? 0,
      };
    },
  };
}

function liveFiles({ files }: Known, now: number): readonly FileThere[] {
  return files.filter(({ untilMs }) => untilMs > now);
}

function keyOf(agent: AgentId, transferId: TransferId): string {
  return `${agent} ${transferId}`;
}
