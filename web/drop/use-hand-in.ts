/** What happens to files that were chosen: the link is asked for what it takes, and they wait for a name where one is needed. */
import { useState } from 'react';
import { type DropView, SenderName } from '#core/wire/link.ts';
import { useLocale } from '../i18n/locale.tsx';
import type { PickedFile } from '../upload/queue.ts';
import { useDesk } from './desk.ts';
import { type Sifted, sift, unannounced } from './sift.ts';

export type Groups = AsyncIterable<readonly PickedFile[]> | Iterable<readonly PickedFile[]>;

export interface HandInState {
  /** Files found so far in what is being read; null: nothing is. */
  readonly reading: number | null;
  readonly note: string;
  readonly refused: Sifted['refused'];
  /** Chosen before there was a name to send them under. */
  readonly held: readonly PickedFile[];
  readonly isNameGood: boolean;
  take(groups: Groups): Promise<void>;
  sendHeld(): Promise<void>;
  letGo(): void;
  forgetRefused(): void;
}

export interface HandInOptions {
  readonly view: DropView;
  /** As typed. */
  readonly name: string;
  /** Files wait for a name. */
  readonly onHeld: () => void;
  readonly onError: (error: unknown) => void;
}

export function useHandIn({ view, name, onHeld, onError }: HandInOptions): HandInState {
  const { words } = useLocale();
  const desk = useDesk();
  const [reading, setReading] = useState<number | null>(null);
  const [note, setNote] = useState('');
  const [refused, setRefused] = useState<Sifted['refused']>([]);
  const [held, setHeld] = useState<readonly PickedFile[]>([]);
  const sender = SenderName.safeParse(name);
  const isNameGood = sender.success || (name.trim() === '' && view.senderName === 'optional');

  const read = async (groups: Groups): Promise<readonly PickedFile[]> => {
    const picked: PickedFile[] = [];
    try {
      for await (const group of groups) {
        picked.push(...group);
        setReading(picked.length);
      }
      if (picked.length === 0) setNote(words.send.nothing);
    } catch (error) {
      setNote(words.send.unreadable);
      onError(error);
    } finally {
      setReading(null);
    }
    return picked;
  };

  const send = async (files: readonly PickedFile[]) => {
    setHeld([]);
    const to = { id: 'link', path: '/', ...(sender.success ? { sender: sender.data } : {}) };
    await desk.queue.add(files, [to]);
    setNote(words.live.added(files.length));
  };

  return {
    reading,
    note,
    refused,
    held,
    isNameGood,
    async take(groups) {
      setNote('');
      setRefused([]);
      const picked = await read(groups);
      if (picked.length === 0) return;
      // Others may have handed in since: who chooses files wants to know at once what there is room for.
      if (desk.link.snapshot().kind === 'open') await desk.link.load();
      const fresh = desk.link.snapshot().view ?? view;
      const sifted = sift([...held, ...picked], fresh, unannounced(desk.queue.snapshot()));
      setRefused(sifted.refused);
      if (sifted.taken.length === 0) return;
      if (isNameGood) return send(sifted.taken);
      setHeld(sifted.taken);
      onHeld();
    },
    async sendHeld() {
      if (isNameGood && held.length > 0) await send(held);
    },
    letGo: () => setHeld([]),
    forgetRefused: () => setRefused([]),
  };
}
