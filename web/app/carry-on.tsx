/** Uploads of an earlier visit: one click where the browser kept its file handles, a second look at the files elsewhere. */
import { ChevronDown, FileClock, Play, X } from 'lucide-react';
import { type ChangeEvent, useCallback, useEffect, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { inputFiles } from '../upload/drop.ts';
import type { UploadQueue } from '../upload/queue.ts';
import { abandon, fileOfHandle, pairFiles, takeOver, type Unfinished } from '../upload/restore.ts';
import type { Surroundings } from '../upload/surroundings.ts';

export interface CarryOnProps {
  /** What goes on with them. */
  readonly running: {
    readonly around: Surroundings;
    readonly queue: UploadQueue;
    unfinished(): Promise<readonly Unfinished[]>;
  };
  readonly onError: (error: unknown) => void;
}

const SECOND_LOOK_MS = 3000;

export function CarryOn({ running, onError }: CarryOnProps) {
  const { words, format } = useLocale();
  const [left, setLeft] = useState<readonly Unfinished[]>([]);
  const [strangers, setStrangers] = useState<readonly string[]>([]);
  const input = useRef<HTMLInputElement>(null);

  const resume = useCallback(
    async (one: Unfinished, file: File) => {
      running.queue.carryOn(await takeOver(running.around, one.record, file), file);
      setLeft((before) => before.filter((other) => other !== one));
    },
    [running],
  );

  const goOn = useCallback(
    async (one: Unfinished) => {
      if (!one.record.handle) return;
      await fileOfHandle(one.record.handle)
        .then((file) => resume(one, file))
        .catch(onError);
    },
    [resume, onError],
  );

  useEffect(() => {
    let isCurrent = true;
    const look = async () => {
      const found = await running.unfinished();
      if (!isCurrent) return;
      setLeft(found);
      // Where the browser still grants the files there is nothing to ask.
      for (const one of found) if (one.way === 'ready') await goOn(one);
    };
    const onFocus = () => void look().catch(onError);
    onFocus();
    // A tab that was closed or lost a moment ago may not have let go of its uploads yet.
    const timer = setTimeout(onFocus, SECOND_LOOK_MS);
    window.addEventListener('focus', onFocus);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
      window.removeEventListener('focus', onFocus);
    };
  }, [running, goOn, onError]);

  async function goOnAll(): Promise<void> {
    for (const one of left) await goOn(one);
  }

  async function onPicked(event: ChangeEvent<HTMLInputElement>): Promise<void> {
    const picked = inputFiles(event.target.files ?? []);
    event.target.value = '';
    const paired = pairFiles(
      left.map(({ record }) => record),
      picked,
    );
    setStrangers(paired.strangers.map(({ name }) => name));
    for (const { record, file } of paired.pairs) {
      const one = left.find((other) => other.record === record);
      if (one) await resume(one, file).catch(onError);
    }
  }

  async function forget(ones: readonly Unfinished[]): Promise<void> {
    setLeft((before) => before.filter((one) => !ones.includes(one)));
    for (const one of ones) await abandon(running.around, one.record);
  }

  if (left.length === 0) return null;
  const hasHandles = left.some(({ way }) => way !== 'file');
  const hasFiles = left.some(({ way }) => way === 'file');
  return (
    <section className="carry" aria-label={words.carryOn.title(left.length)}>
      <FileClock aria-hidden size={20} strokeWidth={1.75} />
      <div className="carry-text">
        <h2>{words.carryOn.title(left.length)}</h2>
        <p>{hasFiles ? words.carryOn.pickText : words.carryOn.text}</p>
        {strangers.length > 0 && (
          <p role="alert" className="field-error">
            {words.carryOn.strangers(strangers.slice(0, 5).join(', '))}
          </p>
        )}
        <details>
          <summary>
            <ChevronDown aria-hidden size={14} />
            {words.carryOn.list}
          </summary>
          <ul>
            {left.slice(0, 50).map((one) => (
              <li key={one.record.key}>
                <span className="carry-name">{one.record.name}</span>
                <span className="faint">{format.size(one.record.sizeBytes)}</span>
                <button
                  type="button"
                  className="button quiet icon-only"
                  aria-label={words.carryOn.forgetOne(one.record.name)}
                  title={words.carryOn.forgetOne(one.record.name)}
                  onClick={() => void forget([one]).catch(onError)}
                >
                  <X aria-hidden size={14} />
                </button>
              </li>
            ))}
          </ul>
        </details>
      </div>
      <div className="carry-end">
        <button type="button" className="button quiet" onClick={() => void forget(left).catch(onError)}>
          {words.carryOn.forget}
        </button>
        {hasFiles && (
          <button
            type="button"
            className={hasHandles ? 'button' : 'button primary'}
            onClick={() => input.current?.click()}
          >
            {words.carryOn.pick}
          </button>
        )}
        {hasHandles && (
          <button type="button" className="button primary" onClick={() => void goOnAll()}>
            <Play aria-hidden size={15} />
            {words.carryOn.goOn}
          </button>
        )}
        <input ref={input} type="file" multiple hidden data-pick="again" onChange={(event) => void onPicked(event)} />
      </div>
    </section>
  );
}
