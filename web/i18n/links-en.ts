/** Links, as their owner sees them, in English. */

const plural = new Intl.PluralRules('en');
const count = (n: number, one: string, other: string) =>
  `${n.toLocaleString('en')} ${plural.select(n) === 'one' ? one : other}`;

interface Letter {
  readonly name: string;
  readonly note: string;
  readonly address: string;
  readonly until: string;
}

export const linksEn = {
  title: 'Links',
  text: 'Addresses by which people without an account hand in files. They see what they hand in themselves, and nothing else.',
  add: 'New link',
  make: 'Make the link',
  empty: 'No link yet',
  emptyText:
    'Make a link and send it to whoever has files for you. It opens a page of its own, where files are dropped; they go to the folder that you choose here.',
  states: { active: 'Open', full: 'Full', expired: 'Expired', revoked: 'Revoked' },
  facts: {
    to: 'To',
    until: 'Until',
    expired: 'Expired',
    lastUsed: 'Last used',
    files: 'Files',
    bytes: 'Size',
  },
  never: 'never',
  of: (used: string, most: string) => `${used} of ${most}`,
  openNow: (n: number) => `${n.toLocaleString('en')} under way`,
  edit: 'Edit',
  editOf: (name: string) => `Edit ${name}`,
  showAddress: 'Show the address',
  rotate: 'New address',
  rotateSure: (name: string) =>
    `Give ${name} a new address? The old one is good for nothing from then on; send the new one to whoever still needs it.`,
  reopen: 'Open again, with a new address',
  reopenSure: (name: string) => `Open ${name} again? It gets a new address.`,
  revoke: 'Revoke',
  revokeSure: (name: string) =>
    `Revoke ${name}? Nothing more is taken by it, at once. Files that are here whole are delivered.`,
  remove: 'Forget',
  removeSure: (name: string) => `Forget ${name}, with its counts? Files that came by it stay where they are.`,
  name: 'Name',
  nameHint: 'The headline of their page: what the files are for.',
  note: 'Note',
  noteHint: 'What they should know: which files, in which form, by when',
  placeGone: 'is no more: choose another one',
  folderOf: (id: string) => `Folder at ${id}`,
  perSender: 'Files of different people',
  perSenders: { folder: 'A folder for each', flat: 'All into one folder' },
  perSenderHints: {
    folder: 'They must give a name, and the folder is called so.',
    flat: 'They may give a name or not. Where two files have the same name, the destination decides what becomes of them.',
  },
  expiry: 'Open for',
  inDays: (days: number) => (days === 365 ? 'a year' : count(days, 'day', 'days')),
  kept: (time: string) => `Until ${time}, as it is`,
  limits: {
    title: 'Limits',
    files: 'Files',
    gigabytes: 'GB of all files',
    fileGigabytes: 'GB of each file',
    suffixes: 'Kinds of files',
    none: 'Empty: no limit.',
    numberBad: 'Give a number above 0.',
    suffixesHint: 'As .mp4, .mov. Empty: all.',
    suffixesBad: 'Write endings such as .mp4, .mov.',
  },
  addressOf: (name: string) => `The address of ${name}`,
  picture: (name: string) => `QR code of the address of ${name}`,
  once: 'The server tells it only now, and this page until it is closed. Whoever has it can hand in files until the link expires or is revoked.',
  onlyHere:
    'This address works on this machine only. Open this page by a name that others can reach, and make a new address there.',
  copyAddress: 'Copy the address',
  asLetter: 'As a message',
  copyLetter: 'Copy the message',
  mail: 'Open in mail',
  subject: (name: string) => `Hand in files: ${name}`,
  letter: ({ name, note, address, until }: Letter) =>
    `Hello,\n\nplease hand in your files for “${name}” here:\n\n${address}\n\n${note === '' ? '' : `${note}\n\n`}No account is needed. The link is open until ${until}. When the line breaks off, open it again in the same browser and, if it asks, choose the same files: it goes on where it was.\n`,
  done: 'Done',
  some: 'a link',
  fact: 'Handed in',
  by: (name: string, sender: string | null) => (sender === null ? `by ${name}` : `by ${name}, from ${sender}`),
};
