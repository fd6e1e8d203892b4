/** Where 115's open platform lives. Tests put a fake in their place. */

export interface OpenHosts {
  readonly api: string;
  readonly passport: string;
  readonly qrcode: string;
}

export const OPEN_HOSTS: OpenHosts = {
  api: 'https://proapi.115.com',
  passport: 'https://passportapi.115.com',
  qrcode: 'https://qrcodeapi.115.com',
};
