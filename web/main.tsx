import type { ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { isDropAddress } from './drop/is-drop.ts';
import { firstSpoken, LocaleProvider } from './i18n/locale.tsx';
import './style/tokens.css';
import './style/base.css';
import './style/send.css';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');
// Whoever hands in files by a link sees nothing of the console, and does not wait for it.
const isDrop = isDropAddress(location.hash);
Promise.all([firstSpoken(), isDrop ? dropApp() : consoleApp()]).then(
  ([first, app]) => createRoot(root).render(<LocaleProvider first={first}>{app}</LocaleProvider>),
  // The words are a file of their own, and there are none without it.
  () => {
    root.textContent = '页面未能完整加载，请刷新。 This page did not load completely: reload it.';
  },
);

// A link opened over an open page changes only what is behind the #, and the two pages share nothing that runs.
window.addEventListener('hashchange', () => {
  if (isDropAddress(location.hash) !== isDrop) location.reload();
});

async function dropApp(): Promise<ReactNode> {
  const { DropApp } = await import('./drop/drop-app.tsx');
  return <DropApp />;
}

async function consoleApp(): Promise<ReactNode> {
  const { App } = await import('./app/app.tsx');
  return <App />;
}
