/** Why an agent may be passed over: its address rests, or a service turned it down lately. */
import { Hourglass, ShieldAlert } from 'lucide-react';
import type { AgentBytes, AgentView } from '#core/wire/agent.ts';
import type { Messages } from '../i18n/en.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useNow } from './use-now.ts';

/** Of refusals, so many are said; the rest is counted. */
const SHOWN_MAX = 3;

export function AgentRest({ until }: { readonly until: string }) {
  const { words, format } = useLocale();
  const nowMs = useNow(1_000);
  const leftSeconds = (Date.parse(until) - nowMs) / 1_000;
  if (leftSeconds <= 0) return null;
  return (
    <p className="agent-note warn">
      <Hourglass aria-hidden size={14} />
      <span>{words.agents.rests(format.duration(leftSeconds))}</span>
    </p>
  );
}

export function AgentRefusals({ refusals }: { readonly refusals: AgentView['refusals'] }) {
  const { words, format } = useLocale();
  if (refusals.length === 0) return null;
  const newest = refusals.toReversed().slice(0, SHOWN_MAX);
  const more = refusals.length - newest.length;
  return (
    <div className="agent-note bad">
      <ShieldAlert aria-hidden size={14} />
      <div>
        {words.agents.refused(refusals.length)}
        <ul className="agent-refusals">
          {newest.map(({ at, code }) => (
            <li key={`${at} ${code}`}>
              <time dateTime={at} className="num">
                {format.time(at)}
              </time>{' '}
              {refusalWords(words, code)} <span className="code">{code}</span>
            </li>
          ))}
          {more > 0 && <li>{words.agents.moreRefusals(more)}</li>}
        </ul>
      </div>
    </div>
  );
}

/** How it gets the bytes of files, and why not from the bucket. */
export function bytesWords({ errors, agents }: Messages, { way, code }: AgentBytes): string {
  const why = code === null ? undefined : (errors[code]?.[0] ?? code);
  return why === undefined ? agents.bytesBy[way] : `${agents.bytesBy[way]}: ${why}`;
}

/** The page's words for a code of a destination, or what its last part says: `bilibili.limited` and `pan115.limited` alike. */
export function refusalWords({ errors, agents }: Messages, code: string): string {
  const general = `*.${code.split('.').slice(1).join('.')}`;
  return (errors[code] ?? errors[general])?.[0] ?? agents.turnedDown;
}
