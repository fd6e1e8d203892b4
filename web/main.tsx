import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { firstSpoken, LocaleProvider } from './i18n/locale.tsx';
import './style/tokens.css';
import './style/base.css';
import './style/shell.css';
import './style/send.css';
import './style/ledger.css';
import './style/dialog.css';
import './style/story.css';
import './style/alerts.css';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');
firstSpoken().then(
  (first) =>
    createRoot(root).render(
      <LocaleProvider first={first}>
        <App />
      </LocaleProvider>,
    ),
  // The words are a file of their own, and there are none without it.
  () => {
    root.textContent = '页面未能完整加载，请刷新。 This page did not load completely: reload it.';
  },
);
