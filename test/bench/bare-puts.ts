/** What Chromium alone takes to send a file, as one form or in slices, to a server that throws the bytes away. */
import type { Browser } from 'playwright-core';
import { startChild } from './child.ts';

/** `slices`: as our client sends them, six of 10 MiB at once. */
export type BareWay = 'form' | 'slices';

export async function barePut(browser: Browser, path: string, way: BareWay): Promise<number> {
  const sink = await startChild('discard-server.ts');
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    // By another name, so that the puts are of another origin, as those into a bucket are.
    await page.goto(sink.url.replace('127.0.0.1', 'localhost'));
    await page.locator('#file').setInputFiles(path);
    return await page.evaluate(sendInPage, { url: sink.url, way });
  } finally {
    await context.close();
    await sink.stop();
  }
}

/** Runs in the page, so it may use nothing from outside. Answers milliseconds. */
async function sendInPage({ url, way }: { url: string; way: BareWay }): Promise<number> {
  const page = globalThis as any;
  const [file] = page.document.getElementById('file').files;
  const send = (method: string, path: string, body: unknown): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = new page.XMLHttpRequest();
      request.open(method, `${url}/${path}`);
      request.upload.onprogress = () => undefined;
      request.onload = () => resolve();
      request.onerror = () => reject(new Error('no answer'));
      request.send(body);
    });
  const startedAt = performance.now();
  if (way === 'form') {
    const form = new page.FormData();
    form.append('file', file);
    await send('POST', '', form);
  } else {
    const sliceBytes = 10 * 2 ** 20;
    const starts = Array.from({ length: Math.ceil(file.size / sliceBytes) }, (_, index) => index * sliceBytes).values();
    const lane = async () => {
      for (const start of starts) await send('PUT', String(start), file.slice(start, start + sliceBytes, ''));
    };
    await Promise.all(Array.from({ length: 6 }, lane));
  }
  return performance.now() - startedAt;
}
