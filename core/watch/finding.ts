/** What one look found about one subject. */
import type { Alert } from '#core/wire/alert.ts';

export interface Finding extends Pick<Alert, 'kind' | 'subject' | 'message' | 'values'> {
  /** `unsure`: nothing new is raised, and what was raised lasts. What no finding names any more has ended. */
  readonly state: 'bad' | 'good' | 'unsure';
}
