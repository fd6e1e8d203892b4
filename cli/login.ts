/** `entrepot login`: a code to scan, and how far the login is, until its end. */
import { renderUnicodeCompact } from 'uqr';
import type { Clock } from '#core/ports/clock.ts';
import type { BeginLogin, BegunLogin, LoginView } from '#core/wire/login.ts';
import type { Client } from './client.ts';
import { formatSeconds } from './format.ts';
import { Problem } from './problem.ts';
import { faint, green, type Terminal } from './terminal.ts';

export interface LoginPorts {
  readonly client: Client;
  readonly clock: Clock;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Between two questions; the server itself holds each while there is no news. */
const AGAIN_MS = 1_000;
/** After the code's end the server says that it is over; one that does not is not waited for any longer. */
const GRACE_MS = 60_000;

/** Resolves when the destination has its credentials. Throws a Problem, `login.expired`, `login.refused`, or the server's own. */
export async function login(ports: LoginPorts, wanted: BeginLogin): Promise<void> {
  const { client, clock, terminal, signal } = ports;
  const begun = await client.beginLogin(wanted);
  const untilMs = clock.now() + begun.ttlSeconds * 1_000;
  show(terminal, begun);
  let told: LoginView['state'] | null = null;
  for (let view: LoginView = begun; ; ) {
    const { state, destinationId } = view;
    if (terminal.isInteractive) draw(terminal, view, Math.max(0, untilMs - clock.now()) / 1_000);
    else if (state !== told) terminal.tell({ event: 'login_state', state, destinationId });
    told = state;
    if (state === 'confirmed') return;
    if (state === 'refused') throw refused(view);
    if (state === 'expired' || clock.now() > untilMs + GRACE_MS) throw expired();
    await clock.sleep(AGAIN_MS, signal);
    view = await client.login(view.id);
  }
}

function show(terminal: Terminal, { state: _, error: __, ...begun }: BegunLogin): void {
  const { provider, destinationId, qrText } = begun;
  if (!terminal.isInteractive) {
    terminal.tell({ event: 'login', ...begun });
    return;
  }
  terminal.print(`Log in to ${destinationId} (${provider}): open the service's app on your phone and scan this code.`);
  const lines = renderUnicodeCompact(qrText, { ecc: 'L', border: 2 }).split('\n');
  if (terminal.columns() < (lines[0]?.length ?? 0)) {
    terminal.print('This terminal is too narrow for the code. Make it wider and run the command again,');
    terminal.print(`or make a QR code of this text: ${qrText}`);
    return;
  }
  for (const line of lines) terminal.print(onOwnColours(line));
}

function draw(terminal: Terminal, { state, destinationId }: LoginView, leftSeconds: number): void {
  const left = faint(`good for ${formatSeconds(leftSeconds)}`);
  if (state === 'waiting') terminal.draw([`Waiting for the scan  ${left}`]);
  else if (state === 'scanned') terminal.draw([`Scanned: now confirm it in the app  ${left}`]);
  else terminal.draw([]);
  if (state === 'confirmed') terminal.print(`${green('✔')} logged in: files may be sent to ${destinationId}`);
}

function refused({ error }: LoginView): Problem {
  if (error !== null) return new Problem(error.code, error.message);
  return new Problem('login.refused', 'the login was turned down in the app: run the command again');
}

function expired(): Problem {
  return new Problem('login.expired', 'nobody confirmed the code in time: run the command again for a new one');
}

/** White blocks on black, whatever the colours of the terminal are: cameras want dark on light, as it then is. */
function onOwnColours(line: string): string {
  return `\u001b[38;5;231;48;5;16m${line}\u001b[0m`;
}
