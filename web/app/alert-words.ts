/** An alert in the reader's words, and where in the page to go for it. */
import type { Alert } from '#core/wire/alert.ts';
import type { Messages } from '../i18n/en.ts';
import type { Formats } from '../i18n/format.ts';
import { refusalWords } from './agent-notes.tsx';
import type { Section } from './route.ts';

export interface AlertWords {
  readonly what: string;
  readonly more: string;
  readonly goTo: Section;
}

export function alertWords(words: Messages, format: Formats, { kind, subject, values }: Alert): AlertWords {
  const text = (key: string) => String(values[key] ?? '');
  const number = (key: string) => Number(values[key] ?? 0);
  const { alerts } = words;
  switch (kind) {
    case 'agent_offline': {
      const more = values['lastSeenAt'] === undefined ? '' : alerts.lastSeen(format.time(text('lastSeenAt')));
      return { what: alerts.offline(text('name') || subject), more, goTo: 'agents' };
    }
    case 'failure_rate':
      return {
        what: alerts.failing(format.percent(number('percent') / 100)),
        more: alerts.failed(format.integer(number('failed')), format.integer(number('ended'))),
        goTo: 'transfers',
      };
    case 'address_refused': {
      const why = refusalWords(words, text('code'));
      // The home's own address, whatever it is: such a home need not have agents.
      if (text('agent') === '') return { what: alerts.refusedHome, more: why, goTo: 'transfers' };
      return { what: alerts.refused(subject), more: `${alerts.agent(text('agent'))} ${why}`, goTo: 'agents' };
    }
    case 'low_speed': {
      const now = format.rate(number('bytesPerSecond'));
      const hasHabit = values['usualBytesPerSecond'] !== undefined;
      const more = hasHabit ? alerts.speeds(now, format.rate(number('usualBytesPerSecond'))) : alerts.nothingMoves;
      return { what: alerts.slow(subject), more, goTo: 'destinations' };
    }
    default:
      return kind satisfies never;
  }
}
