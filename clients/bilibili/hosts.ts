/** Where Bilibili's web page asks. Tests put a fake in their place. */

export interface BilibiliHosts {
  /** Pre-upload, submission, archives. */
  readonly member: string;
  readonly api: string;
  readonly passport: string;
  /** Bilibili names the servers of uploads without a scheme. */
  readonly uposScheme: 'https' | 'http';
}

export const BILIBILI_HOSTS: BilibiliHosts = {
  member: 'https://member.bilibili.com',
  api: 'https://api.bilibili.com',
  passport: 'https://passport.bilibili.com',
  uposScheme: 'https',
};

/** What every question is sent with. */
export const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) Entrepot/0.1';
