/** The list of transfers as the server has it: all that are under way, and of what has ended a page at a time. */
import { useCallback, useEffect, useState } from 'react';
import type { TransferList } from '#core/wire/transfer.ts';
import { useConsole, useSocketStatus } from './console.ts';
import type { Wanted } from './narrow.ts';

/** Transfers asked for at once. */
const PAGE = 200;
/** Pages read by itself while they bring transfers that are under way: 10,000 of them. */
const PAGES_MAX = 50;
/** Without the socket the list is read this often, so that it does not stand still. */
const POLL_MS = 10_000;

/** Answers how to get older ones, as far as there are. With a filter they are of that filter, and the first come by themselves. */
export function useHistory(
  { filter, destinationId }: Pick<Wanted, 'filter' | 'destinationId'>,
  onError: (error: unknown) => void,
): (() => void) | null {
  const { api, progress } = useConsole();
  const isLive = useSocketStatus().kind === 'open';
  /** Where to go on, by query; null: that was all. */
  const [cursors, setCursors] = useState<Readonly<Record<string, string | null>>>({});
  const key = `${filter === 'failed' ? 'failed' : ''} ${destinationId}`;

  const read = useCallback(
    async (of: string, cursor: string | null, signal?: AbortSignal): Promise<TransferList> => {
      const [status = '', id = ''] = of.split(' ');
      const page = await api.listTransfers(
        {
          limit: PAGE,
          ...(cursor === null ? {} : { cursor }),
          ...(status === '' ? {} : { status }),
          ...(id === '' ? {} : { destinationId: id }),
        },
        signal,
      );
      progress.adopt(page.items);
      return page;
    },
    [api, progress],
  );

  useEffect(() => {
    const stop = new AbortController();
    const readAll = async () => {
      let next: string | null = null;
      for (let pages = 0; pages < PAGES_MAX; pages += 1) {
        const page = await read(ALL, next, stop.signal);
        next = page.next;
        // Those under way come first.
        if (next === null || page.items.some(({ endedAt }) => endedAt !== null)) break;
      }
      setCursors((before) => ({ ...before, [ALL]: before[ALL] ?? next }));
    };
    // The notice of the socket says already that the server is out of reach.
    const tryAll = () => void readAll().catch(() => undefined);
    tryAll();
    const timer = isLive ? undefined : setInterval(tryAll, POLL_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [read, isLive]);

  useEffect(() => {
    if (key === ALL) return;
    const stop = new AbortController();
    void read(key, null, stop.signal).then(
      ({ next }) => setCursors((before) => ({ ...before, [key]: next })),
      () => undefined,
    );
    return () => stop.abort();
  }, [read, key]);

  const cursor = cursors[key] ?? null;
  if (cursor === null) return null;
  return () => void read(key, cursor).then(({ next }) => setCursors((before) => ({ ...before, [key]: next })), onError);
}

const ALL = ' ';
