/** Where Bilibili's web page asks. Tests put a fake in their place. */

export interface BilibiliHosts {
  /** Pre-upload, submission, archives. */
  readonly member: string;
  readonly api: string;
  readonly passport: string;
  /** Of it, only the page that a renewal of the login begins with. */
  readonly www: string;
  /** The key of that page, SPKI in base64. */
  readonly publicKey: string;
  /** Bilibili names the servers of uploads without a scheme. */
  readonly uposScheme: 'https' | 'http';
}

export const BILIBILI_HOSTS: BilibiliHosts = {
  member: 'https://member.bilibili.com',
  api: 'https://api.bilibili.com',
  passport: 'https://passport.bilibili.com',
  www: 'https://www.bilibili.com',
  publicKey:
    'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDLgd2OAkcGVtoE3ThUREbio0EgUc/prcajMKXvkCKFCWhJYJcLkcM2DKKcSeFpD/j6Boy538YXnR6VhcuUJOhH2x71nzPjfdTcqMz7djHum0qSZA0AyCBDABUqCrfNgCiJ00Ra7GmRj+YCK1NJEuewlb40JNrRuoEUXpabUzGB8QIDAQAB',
  uposScheme: 'https',
};

/** What every question is sent with. */
export const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) Entrepot/0.1';
