/** What differs between stages, and what is given with `sst deploy` by environment. */

const isProduction = $app.stage === 'production';

export const stage = {
  /** `entrepot-production-move` and the like: names that alarms, logs and people use. */
  named: (name: string) => `${$app.name}-${$app.stage}-${name}`,
  /** Kept from deletion, whatever is asked of the stack. */
  deletion: isProduction ? 'refused' : 'allowed',
  /**
   * Of the account's concurrency. A stage that is not production shares what is left, since a new account has ten executions in all
   * and may reserve none.
   */
  reserved: isProduction ? { api: 40, staged: 20, move: 60, sweep: 2 } : null,
  /** Movers at a time, whatever waits in the queue: each holds five parts in memory and on the line. */
  moversMax: isProduction ? 50 : 5,
  relay: {
    size: isProduction
      ? ({ cpu: '0.5 vCPU', memory: '1 GB' } as const)
      : ({ cpu: '0.25 vCPU', memory: '0.5 GB' } as const),
    /** A spot task is taken away with two minutes' notice; browsers come back by themselves. */
    capacity: (given('ENTREPOT_RELAY_SPOT', /^[01]$/) ?? (isProduction ? '0' : '1')) === '1' ? 'spot' : 'on-demand',
  },
  /** How many relays at a time. More than one tell each other by a Redis, which is made then. */
  relays: relaysOf(given('ENTREPOT_RELAYS', /^[1-9]\d?(-[1-9]\d?)?$/) ?? '1'),
  logs: isProduction ? '3 months' : '1 week',
  /** Of the page, the API and the sockets; a hosted zone of it must be in Route 53. Absent: CloudFront's own name. */
  domain: given('ENTREPOT_DOMAIN', /^(?=.{4,253}$)([a-z0-9-]+\.)+[a-z]{2,}$/),
  /** What agents dial; a hosted zone of it must be in Route 53. Absent: this stage takes none. */
  agentDomain: given('ENTREPOT_AGENT_DOMAIN', /^(?=.{4,253}$)([a-z0-9-]+\.)+[a-z]{2,}$/),
  /** Who hears of alarms. Absent: the topic is there and nobody listens. */
  alarmEmail: given('ENTREPOT_ALARM_EMAIL', /^[^@\s]+@[^@\s]+$/),
  /** Pages of others that may put into the bucket, separated by commas: those with an Uppy of their own. */
  otherOrigins: given('ENTREPOT_ORIGINS', /^https?:\/\/[^/,\s]+(,https?:\/\/[^/,\s]+)*$/)?.split(',') ?? [],
} as const;

if (stage.agentDomain !== undefined && stage.agentDomain === stage.domain) {
  throw new Error('ENTREPOT_AGENT_DOMAIN is the name of the page: agents need one of their own');
}

function given(name: string, shape: RegExp): string | undefined {
  const value = process.env[name];
  if (value === undefined || value === '') return undefined;
  if (!shape.test(value)) throw new Error(`${name} is not of the form ${shape.source}`);
  return value;
}

/** `2` or `2-4`. */
function relaysOf(text: string) {
  const [min = 1, max = min] = text.split('-').map(Number);
  if (max < min) throw new Error('ENTREPOT_RELAYS ends below its beginning');
  return { min, max };
}
