/** The way of a file, hop by hop: what to look at where it ends. */

export type Hop = keyof typeof LOOK_AT;

/** Of a failure's code, for people: where its cause may be. */
export function lookAt(hop: Hop): (code: string) => string {
  return (code) => {
    const special = SPECIAL.find(([pattern]) => pattern.test(code));
    return special?.[1] ?? LOOK_AT[hop];
  };
}

const LOOK_AT = {
  server: 'the address, its DNS name and certificate, the proxy or load balancer in front, and whether the API runs',
  token: 'the token: ENTREPOT_TOKEN here, and what the server was given (in AWS the secret AdminToken)',
  destination: "the destination's settings and credentials; docs/runbook.md has the code",
  socket: 'the relay: whether it runs, its log, and the proxy in front, which must pass upgrades and Host',
  announce: "the API's log: whether it reaches the table, and has keys to presign with",
  put: 'the way from here to the bucket: the address that browsers are given (ENTREPOT_PUBLIC_BUCKET_URL), and its certificate',
  page: "the bucket's CORS rules: PUT with the header if-none-match from the page's origin",
  event:
    "the bucket's notifications, the queue of events and its dead-letter queue, the log of the function that receives them",
  delivery: 'the log of the functions that move; docs/runbook.md has the code',
  news: 'the way from functions to the relay: its address (ENTREPOT_RELAY_URL), one ENTREPOT_PROGRESS_KEY on both sides, clocks within 5 minutes',
  'clean-up': 'the upload in the console: give it up there',
} as const;

/** Codes that say more than the hop. */
const SPECIAL: readonly (readonly [RegExp, string])[] = [
  [
    /^socket\.refused_401$/,
    'the ticket: ENTREPOT_TICKET_KEY must be one in the API and the relay, and their clocks agree to 30 s',
  ],
  [/^socket\.refused_403$/, 'the proxy in front, which must pass Host, or ENTREPOT_PAGE_URL of the relay'],
  [/^socket\.refused_(200|400|404|426)$/, 'the proxy in front: it does not pass upgrades of /ws'],
  [/^socket\.refused_5/, 'the relay behind the proxy: it is away, or ends just now'],
  [/^socket\.closed_1013$/, 'the number of sockets: the relay has as many as it takes (ENTREPOT_SOCKETS_MAX)'],
  [
    /^event\.swept$/,
    "the bucket's notifications and the queue of events: the delivery began because the sweep found it, a minute late",
  ],
  [
    /^bucket\.refused_403$/,
    'the keys that presign and what they may do, the clocks of server and bucket, and a proxy that changes Host or path',
  ],
];
