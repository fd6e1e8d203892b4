/** Whose login it is, and whether it holds. */
import * as z from 'zod';
import { ask, type BilibiliAccount } from './account.ts';
import { dataOf } from './envelope.ts';

/** The account's name. Throws Fault `auth` `bilibili.login_ended`. */
export async function accountName(account: BilibiliAccount, signal: AbortSignal): Promise<string> {
  const answer = await ask(account, () => ({ method: 'GET', host: 'api', path: '/x/web-interface/nav' }), signal);
  return dataOf(answer, { endpoint: 'nav', asked: 'question', schema: Nav }).uname;
}

/**
 * The partitions that Bilibili offers this account for its videos, by their numbers, each with its path. Without those that are
 * closed, where Bilibili says so.
 */
export async function partitions(account: BilibiliAccount, signal: AbortSignal): Promise<ReadonlyMap<number, string>> {
  const question = { method: 'GET', host: 'member', path: '/x/vupre/web/archive/pre', query: { lang: 'cn' } } as const;
  const answer = await ask(account, () => question, signal);
  const { typelist } = dataOf(answer, { endpoint: 'archive/pre', asked: 'question', schema: Before });
  return new Map(
    typelist.flatMap(({ id, name, children }) => [
      [id, name] as const,
      ...(children ?? [])
        .filter(({ show }) => show !== false)
        .map((child) => [child.id, `${name} · ${child.name}`] as const),
    ]),
  );
}

const Partition = z.object({ id: z.int(), name: z.string().max(80).catch('') });

const Before = z.object({
  typelist: z.array(
    Partition.extend({
      children: z.array(Partition.extend({ show: z.boolean().optional().catch(undefined) })).nullish(),
    }),
  ),
});

const Nav = z.object({ uname: z.string().catch('') });
