/** What the destination's own server is doing: what it sends to its clouds, and where it is mounted. */
import { RefreshCw } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import type { ServerMount, ServerTask } from '#core/wire/browse.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { ErrorLine } from './error-line.tsx';

interface Seen {
  readonly tasks: readonly ServerTask[];
  readonly next: string | null;
  readonly mounts: readonly ServerMount[];
}

export function ServerView({ destinationId }: { readonly destinationId: string }) {
  const { words } = useLocale();
  const { seen, error, isReading, refresh, more } = useServer(destinationId);
  const { server } = words;
  return (
    <div className="server" aria-busy={isReading}>
      {error && <ErrorLine error={error} />}
      <section aria-label={`${server.tasks} ${destinationId}`}>
        <header className="server-head">
          <h3>{server.tasks}</h3>
          <button type="button" className="button quiet" disabled={isReading} onClick={refresh}>
            <RefreshCw aria-hidden size={14} className={isReading ? 'spin' : ''} />
            {server.refresh}
          </button>
        </header>
        {seen?.tasks.length === 0 && <p className="hint">{server.noTasks}</p>}
        <ul className="server-list">
          {seen?.tasks.map((task) => (
            <Task key={task.key} task={task} />
          ))}
        </ul>
        {seen?.next && (
          <button type="button" className="button quiet" disabled={isReading} onClick={more}>
            {server.more}
          </button>
        )}
      </section>
      <section aria-label={`${server.mounts} ${destinationId}`}>
        <h3>{server.mounts}</h3>
        {seen?.mounts.length === 0 && <p className="hint">{server.noMounts}</p>}
        <ul className="server-list">
          {seen?.mounts.map((mount) => (
            <Mount key={mount.place} mount={mount} />
          ))}
        </ul>
      </section>
    </div>
  );
}

function Task({ task }: { readonly task: ServerTask }) {
  const { words, format } = useLocale();
  const share = task.sizeBytes === 0 ? 0 : Math.min(1, task.transferredBytes / task.sizeBytes);
  return (
    <li className="server-line">
      <span className="server-path mono">{task.path}</span>
      <span className={`server-state tone-${TONES[task.state] ?? 'quiet'}`}>{words.server.states[task.state]}</span>
      <span className="server-size num hint">
        {task.state === 'finished'
          ? format.size(task.sizeBytes)
          : words.server.of(format.size(task.transferredBytes), format.size(task.sizeBytes))}
      </span>
      {task.state === 'transferring' && (
        <span className="bar-track server-bar" aria-hidden>
          <span className="bar-fill" style={{ transform: `scaleX(${share})` }} />
        </span>
      )}
      {task.errorMessage !== '' && <span className="server-remark">{task.errorMessage}</span>}
    </li>
  );
}

const TONES: Readonly<Partial<Record<ServerTask['state'], string>>> = {
  transferring: 'moving',
  finished: 'good',
  paused: 'warn',
  failed: 'bad',
  refused: 'bad',
};

function Mount({ mount }: { readonly mount: ServerMount }) {
  const { words } = useLocale();
  const { server } = words;
  return (
    <li className="server-line">
      <span className="server-path mono">
        {mount.source} → {mount.place}
      </span>
      <span className={`server-state tone-${mount.isMounted ? 'good' : 'quiet'}`}>
        {mount.isMounted ? server.mounted : server.notMounted}
      </span>
      {mount.isReadOnly && <span className="server-size hint">{server.readOnly}</span>}
      {mount.failReason !== '' && <span className="server-remark">{mount.failReason}</span>}
    </li>
  );
}

function useServer(destinationId: string) {
  const { api } = useConsole();
  const [seen, setSeen] = useState<Seen | null>(null);
  const [error, setError] = useState<UploadError | null>(null);
  const [isReading, setIsReading] = useState(true);
  const [round, setRound] = useState(0);

  const reading = useCallback(async (work: () => Promise<Seen>, signal: AbortSignal): Promise<void> => {
    setIsReading(true);
    setError(null);
    try {
      const next = await work();
      if (!signal.aborted) setSeen(next);
    } catch (cause) {
      if (!signal.aborted) setError(toUploadError(cause));
    } finally {
      if (!signal.aborted) setIsReading(false);
    }
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each round is another look
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const look = async (): Promise<Seen> => {
      const [{ items, next }, mounts] = await Promise.all([
        api.listServerTasks(destinationId, null, signal),
        api.listServerMounts(destinationId, signal),
      ]);
      return { tasks: items, next, mounts };
    };
    void reading(look, signal);
    return () => stop.abort();
  }, [api, destinationId, reading, round]);

  const more = () => {
    if (seen === null) return;
    const page = async (): Promise<Seen> => {
      const { items, next } = await api.listServerTasks(destinationId, seen.next);
      const known = new Set(seen.tasks.map(({ key }) => key));
      return { ...seen, tasks: [...seen.tasks, ...items.filter(({ key }) => !known.has(key))], next };
    };
    void reading(page, new AbortController().signal);
  };
  return { seen, error, isReading, refresh: () => setRound((before) => before + 1), more };
}
