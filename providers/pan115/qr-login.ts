/** The login by a QR code that a person scans with the 115 app. */
import { beginLogin, DeviceCode, pollLogin, redeemLogin } from '#clients/pan115/open/login.ts';
import { Fault } from '#core/fault.ts';
import { type LoginNews, loginKind } from '#core/ports/login.ts';
import { Pan115Login, Pan115Settings } from './settings.ts';

/** 115 lets a code live for about five minutes; it says so itself when that is over earlier. */
const CODE_MS = 5 * 60_000;

export const pan115LoginKind = loginKind<Pan115Settings, DeviceCode>({
  id: 'pan115',
  settings: Pan115Settings,
  secret: DeviceCode,
  begin: async ({ clientId, endpoints }, { signal, clock }) => {
    if (clientId === undefined) throw unregistered();
    const begunAtMs = clock.now();
    const code = await beginLogin(endpoints, { clientId }, signal);
    return { qrText: code.qrText, expiresAtMs: begunAtMs + CODE_MS, secret: code };
  },
  look: async ({ settings, secret }, { signal }): Promise<LoginNews> => {
    const state = await pollLogin(settings.endpoints, secret, signal);
    return state === 'canceled' ? 'refused' : state;
  },
  redeem: async ({ settings, secret }, { signal, clock }) =>
    Pan115Login.parse(await redeemLogin(settings.endpoints, secret, clock.now(), signal)),
});

function unregistered(): Fault {
  const text = '115 lets only registered applications in: register one at open.115.com and give its client id';
  return new Fault('rejected', 'pan115.client_id_missing', text);
}
