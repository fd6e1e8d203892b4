/** Webhooks, in English. */
import type { WebhookEvent, WebhookStatus } from '#core/wire/webhook.ts';

const events: Readonly<Record<WebhookEvent, string>> = {
  'transfer.delivered': 'a file was delivered',
  'transfer.failed': 'a transfer failed',
  'transfer.canceled': 'a transfer was cancelled',
  'alert.raised': 'an alert is raised',
  'alert.cleared': 'an alert is over',
};

const status: Readonly<Record<WebhookStatus, string>> = {
  active: 'Active',
  retrying: 'Retrying',
  paused: 'Paused',
  gone: 'Turned away',
  off: 'Off',
};

export const webhooksEn = {
  title: 'Webhooks',
  text: 'Other systems that are told by HTTP what happens here.',
  add: 'Add webhook',
  none: 'Nobody else is told yet.',
  events,
  status,
  reason: {
    paused: 'Nothing was taken for three days. What it missed is kept: turn it on to send that.',
    gone: 'The receiver answered that it wants no more (410).',
  },
  all: 'everything',
  only: 'Tells of',
  to: 'Only to',
  last: 'Last answer',
  never: 'nothing told yet',
  took: (status: string, time: string) => `${status} in ${time}`,
  nextTry: (time: string) => `next try ${time}`,
  noAnswer: 'no answer',
  test: 'Test',
  testing: 'Testing…',
  tested: (answer: string) => `The ping was taken: ${answer}.`,
  notTaken: (answer: string) => `The ping was not taken: ${answer}.`,
  turnOn: 'Turn on',
  turnOff: 'Turn off',
  remove: 'Remove',
  removeSure: (host: string) => `Remove the webhook to ${host}? What it was not told yet it will not be told.`,
  address: 'Address',
  addressHint: 'https://… Posts go there as JSON, signed.',
  which: 'Tell when',
  save: 'Add',
  secretOf: (host: string) => `Secret of ${host}`,
  secretHint: 'Shown this once. The receiver checks with it that a post is from here: docs/webhooks.md.',
  copy: 'Copy the secret',
  done: 'Done',
};
