/** The customer's page of a link, in English. Who reads it knows nothing of staging, buckets and destinations. */

const plural = new Intl.PluralRules('en');
const files = (n: number) => `${n.toLocaleString('en')} ${plural.select(n) === 'one' ? 'file' : 'files'}`;

type Words = readonly [what: string, next: string];

export const dropEn = {
  title: 'Hand in files',
  loading: 'One moment',
  terms: 'What this link takes',
  files: 'Your files',
  until: (time: string) => `Open until ${time}`,
  filesLeft: (left: number, all: number) => `Room for ${left.toLocaleString('en')} more of ${files(all)}`,
  bytesLeft: (left: string, all: string) => `${left} of ${all} left`,
  fileMax: (size: string) => `Each file up to ${size}`,
  suffixes: (list: readonly string[]) => `Only ${list.join(', ')}`,
  sender: 'Your name',
  senderHint: 'Your files are put into a folder of this name.',
  senderFree: 'So that they know whom the files are from.',
  senderBad: 'A name has no slashes and no line breaks.',
  held: (n: number) => `${files(n)} chosen. Give your name to send ${n === 1 ? 'it' : 'them'}.`,
  sendHeld: (n: number) => `Send ${files(n)}`,
  letGo: 'Rather not',
  refused: (n: number) => `${files(n)} ${n === 1 ? 'was' : 'were'} not taken`,
  reasons: {
    suffix: (list: readonly string[]) => `This link takes only ${list.join(', ')}:`,
    fileTooLarge: (max: string) => `Larger than ${max}, the most that one file may have:`,
    full: 'There is no room for more files:',
    noRoom: (left: string) => `Larger than the ${left} that are left:`,
  },
  of: (done: string, all: string) => `${done} of ${all}`,
  progress: (received: number, all: number) => `${received.toLocaleString('en')} of ${files(all)} received`,
  allReceived: (n: number) => (n === 1 ? 'Your file is received' : `All ${files(n)} are received`),
  allDelivered: (n: number) => (n === 1 ? 'Your file is delivered' : `All ${files(n)} are delivered`),
  mayClose: 'You may close this page.',
  mayAdd: 'You may close this page, or add more.',
  stay: 'Keep this page open.',
  notSent: (n: number) => `${files(n)} not sent.`,
  all: { pause: 'Pause all', resume: 'Resume all', retry: 'Try all again' },
  more: (n: number) => `Show ${n.toLocaleString('en')} more`,
  retryNow: 'Try now',
  statuses: {
    inLine: 'In line',
    reading: 'Reading',
    sending: 'Sending',
    offline: 'No network: goes on by itself',
    retrying: 'Trying again',
    paused: 'Paused',
    failed: 'Not sent',
    canceled: 'Taken back',
    placing: 'Received, being put in its place',
    delivered: 'Delivered',
    held: 'Received; whoever sent the link sees to the rest',
    withdrawn: 'Turned down by whoever sent the link',
    kept: 'Received',
  },
  closed: {
    unknown: [
      'This address is not complete',
      'Open the link that you were sent once more, with all of its characters.',
    ],
    gone: [
      'This link is no longer valid',
      'It was closed, or replaced by another one. Ask whoever sent it to you for a new one. What was received before is not lost.',
    ],
    expired: [
      'This link has expired',
      'Ask whoever sent it to you to keep it open for longer. What was received before is not lost.',
    ],
    full: [
      'This link is full',
      'It has taken as much as it may. What was received is not lost. To hand in more, ask whoever sent it to you to make room.',
    ],
    away: ['The server does not answer', 'It is tried again by itself. Nothing is lost.'],
  } as Readonly<Record<'unknown' | 'gone' | 'expired' | 'full' | 'away', Words>>,
  errors: {
    'client.network': ['The line was down for too long.', 'Try again when you are online.'],
    'client.bucket_refused': [
      'The server did not take this file.',
      'Try again in a while, or tell whoever sent the link.',
    ],
    'client.bad_answer': ['The server answered something unexpected.', 'Reload this page.'],
    'client.file_changed': ['The file was changed or moved while it was being sent.', 'Choose it again.'],
    'client.file_differs': ['This is another file than the one that was begun.', 'Choose the one from before.'],
    'client.name': ['Files of this name cannot be taken.', 'Rename it and choose it again.'],
    'client.gone': ['Too much time went by.', 'Remove it here and choose it again.'],
    'upload.closed': ['Whoever sent the link has turned this file down.', 'Ask them before you send it again.'],
    'upload.expired': ['Too much time went by.', 'Remove it here and choose it again.'],
    'upload.unknown': ['The server no longer knows this file.', 'Remove it here and choose it again.'],
  } as Readonly<Record<string, Words>>,
};
