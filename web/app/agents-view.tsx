/** The third section: agents, what they are doing, and who may come back. */
import { MonitorUp, Trash2 } from 'lucide-react';
import { Fragment, useState } from 'react';
import type { AgentStatus, AgentView } from '#core/wire/agent.ts';
import { useLocale } from '../i18n/locale.tsx';
import type { AgentVerb } from '../upload/client.ts';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { AgentRefusals, AgentRest, bytesWords } from './agent-notes.tsx';
import { kindName } from './destination-kinds.ts';
import { ErrorLine } from './error-line.tsx';
import { isHere } from './is-here.ts';
import { tagText } from './placement.ts';
import { type Agents, useAgents } from './use-agents.ts';

export function AgentsView() {
  const { words } = useLocale();
  const { items, error, act } = useAgents();
  return (
    <section className="places" aria-labelledby="agents-title">
      <header className="places-head">
        <div>
          <h1 id="agents-title">{words.agents.title}</h1>
          <p className="hint">{words.agents.text}</p>
        </div>
      </header>
      {error && <ErrorLine error={error} />}
      {items?.length === 0 && <NoAgents />}
      <ul className="places-list">
        {items?.map((agent) => (
          <Agent key={agent.id} agent={agent} act={act} />
        ))}
      </ul>
      {items !== null && items.length > 0 && <HowToStart />}
    </section>
  );
}

function NoAgents() {
  const { words } = useLocale();
  return (
    <div className="empty">
      <strong>{words.agents.empty}</strong>
      <p>{words.agents.emptyText}</p>
      <StartLine />
      <p>{words.agents.startHint}</p>
    </div>
  );
}

function HowToStart() {
  const { words } = useLocale();
  return (
    <details className="fold">
      <summary>{words.agents.another}</summary>
      <StartLine />
      <p className="hint">{words.agents.startHint}</p>
    </details>
  );
}

function StartLine() {
  // The home's agents come in at a port of their own, at the name that this page was opened by.
  const { hostname } = location;
  return (
    <code className="start-line mono">
      {startLine(hostname).map((word) => (
        <Fragment key={word}>
          <span>{word}</span>{' '}
        </Fragment>
      ))}
    </code>
  );
}

/** To be typed on the other machine, in a checkout of this project. */
function startLine(hostname: string): readonly string[] {
  // Without a certificate the home takes agents of its own machine only, and in clear text.
  const flags = [`--server-url ${isHere(hostname) ? 'http' : 'https'}://${hostname}:12382`, '--agent-id my-agent'];
  return ['AGENT_TOKEN=…', 'npm run agent --', ...flags];
}

const TONES: Readonly<Record<AgentStatus, string>> = {
  online: 'good',
  busy: 'moving',
  offline: 'quiet',
  revoked: 'bad',
};

function Agent({ agent, act }: { readonly agent: AgentView; readonly act: Agents['act'] }) {
  const { words } = useLocale();
  const text = words.agents;
  const [error, setError] = useState<UploadError | null>(null);
  const isThere = agent.status === 'online' || agent.status === 'busy';
  const turn = (verb: AgentVerb) => {
    setError(null);
    void act(agent.id, verb).catch((cause: unknown) => setError(toUploadError(cause)));
  };
  const revoke = () => {
    if (window.confirm(text.revokeSure(agent.name))) turn('revoke');
  };
  const forget = () => {
    if (window.confirm(text.forgetSure(agent.name))) turn('forget');
  };
  return (
    <li className="place">
      <MonitorUp aria-hidden size={16} strokeWidth={1.75} />
      <div className="place-text">
        <h2>{agent.name}</h2>
        <p className="agent-state">
          <span className={`tag tone-${TONES[agent.status]}`}>
            <span className="tag-dot" aria-hidden />
            {text.status[agent.status]}
          </span>
          {isThere && <span className="hint num">{text.files(agent.files, agent.filesMax)}</span>}
        </p>
        <AgentFacts agent={agent} isThere={isThere} />
        {isThere && agent.restsUntil !== null && <AgentRest until={agent.restsUntil} />}
        <AgentRefusals refusals={agent.refusals} />
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
      </div>
      <div className="place-end">
        {agent.status === 'revoked' ? (
          <button type="button" className="button" onClick={() => turn('restore')}>
            {text.restore}
            <span className="unseen"> {agent.name}</span>
          </button>
        ) : (
          <button type="button" className="button" onClick={revoke}>
            {text.revoke}
            <span className="unseen"> {agent.name}</span>
          </button>
        )}
        {!isThere && (
          <button
            type="button"
            className="button quiet icon-only"
            aria-label={words.row.of(text.forget, agent.name)}
            title={text.forget}
            onClick={forget}
          >
            <Trash2 aria-hidden size={16} />
          </button>
        )}
      </div>
    </li>
  );
}

function AgentFacts({ agent, isThere }: { readonly agent: AgentView; readonly isThere: boolean }) {
  const { words, format } = useLocale();
  const { facts, done, failed } = words.agents;
  const tags = tagText(agent.tags);
  const lines: readonly (readonly [term: string, text: string, isMono?: 'mono'])[] = [
    [facts.address, agent.address, 'mono'],
    [facts.providers, agent.providers.map((id) => kindName(words, id)).join(', ')],
    [facts.bandwidth, `${format.integer(agent.bandwidthMbps)} Mbit/s`],
    ...(tags === '' ? [] : [[facts.tags, tags, 'mono'] as const]),
    [
      facts.files,
      agent.filesFailed === 0 ? done(agent.filesDone) : `${done(agent.filesDone)}, ${failed(agent.filesFailed)}`,
    ],
    ...(agent.bytes === null || !isThere ? [] : [[facts.bytes, bytesWords(words, agent.bytes)] as const]),
    ...(isThere ? [] : [[facts.lastSeen, format.time(agent.lastSeenAt)] as const]),
    ...(agent.memoryBytes === null || !isThere ? [] : [[facts.memory, format.size(agent.memoryBytes)] as const]),
    [facts.version, agent.version],
  ];
  return (
    <dl className="place-facts">
      {lines.map(([term, text, isMono]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd className={isMono ?? 'num'}>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
