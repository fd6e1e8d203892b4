/** A cell for each agent, and what is to be written into it with the next heartbeat. */
import { Fault } from '#core/fault.ts';
import type { AgentId } from '#core/wire/agent.ts';
import { type CellDeps, change, parsed } from './cell.ts';
import { addNews, Known, type News, NO_NEWS, withNews } from './known.ts';

export interface KnownCells {
  read(id: AgentId): Promise<Known | null>;
  /** With the news of each. */
  all(): Promise<readonly Known[]>;
  /** `next` is given null for one that is not known yet. Throws Fault `rejected` `agents.too_many`. */
  upsert(id: AgentId, next: (known: Known | null) => Known): Promise<void>;
  /** Together with the news; if it fails they stay. Throws Fault `rejected` `agent.unknown`, and what `next` throws. */
  update(id: AgentId, next: (known: Known) => Known): Promise<Known>;
  note(id: AgentId, news: Partial<News>): void;
  /** Throws Fault `rejected` `agent.unknown`, and `agent.online` if it may not go or has changed meanwhile. */
  drop(id: AgentId, mayGo: (known: Known) => boolean): Promise<void>;
}

const PK = 'AGENTS';
const AGENTS_MAX = 256;

export function knownCells(deps: CellDeps): KnownCells {
  const { cells } = deps;
  const noted = new Map<AgentId, News>();
  const newsOf = (id: AgentId) => noted.get(id) ?? NO_NEWS;

  async function read(id: AgentId): Promise<Known | null> {
    return parsed(Known, (await cells.read(keyOf(id)))?.value);
  }

  function note(id: AgentId, news: Partial<News>): void {
    noted.set(id, addNews(newsOf(id), { ...NO_NEWS, ...news }));
  }

  return {
    read,
    note,

    all: async () => {
      // More than there may be: two that came at once may both have found room.
      const found = await cells.list(PK, { limit: 2 * AGENTS_MAX });
      const agents = found.flatMap(({ value }) => parsed(Known, value) ?? []);
      return agents.map((known) => withNews(known, newsOf(known.facts.id)));
    },

    upsert: async (id, next) => {
      if ((await read(id)) === null && (await cells.list(PK, { limit: AGENTS_MAX })).length >= AGENTS_MAX) {
        throw new Fault('rejected', 'agents.too_many', `${AGENTS_MAX} agents are known: forget some that are offline`);
      }
      await change(deps, keyOf(id), Known, next);
    },

    update: async (id, next) => {
      const news = newsOf(id);
      noted.delete(id);
      try {
        // After a lost reply the news count twice. Only people read them.
        return await change(deps, keyOf(id), Known, (known) => {
          if (known === null) throw unknown(id);
          return next(news === NO_NEWS ? known : withNews(known, news));
        });
      } catch (error) {
        // Of an id that nobody has there are none.
        if (news !== NO_NEWS) note(id, news);
        throw error;
      }
    },

    drop: async (id, mayGo) => {
      const cell = await cells.read(keyOf(id));
      if (cell === null) throw unknown(id);
      const known = parsed(Known, cell.value);
      if ((known !== null && !mayGo(known)) || !(await cells.drop(keyOf(id), cell.v))) {
        throw new Fault('rejected', 'agent.online', `agent ${id} was heard within the last 90 s: stop it first`);
      }
      noted.delete(id);
    },
  };
}

function keyOf(id: AgentId) {
  return { pk: PK, sk: id };
}

function unknown(id: AgentId): Fault {
  return new Fault('rejected', 'agent.unknown', `there is no agent ${id}`);
}
